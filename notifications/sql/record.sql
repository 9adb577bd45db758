-- Record the outcomes of attempts to send deliveries.
-- params   ids, states, attempts, errors, next_attempts, sent, addresses, names  arrays with an element per delivery
-- returns  id  of each
-- index    notifications_delivery_pkey
UPDATE notifications_delivery AS delivery
SET
    state = outcome.state,
    attempts = outcome.attempts,
    last_error = outcome.error,
    next_attempt_at = outcome.next_attempt_at,
    sent_at = outcome.sent_at,
    address = outcome.address,
    name = outcome.name
FROM unnest(
    %(ids)s::bigint[],
    %(states)s::text[],
    %(attempts)s::int[],
    %(errors)s::text[],
    %(next_attempts)s::timestamptz[],
    %(sent)s::timestamptz[],
    %(addresses)s::text[],
    %(names)s::text[]
) AS outcome (id, state, attempts, error, next_attempt_at, sent_at, address, name)
WHERE delivery.id = outcome.id
RETURNING delivery.id
