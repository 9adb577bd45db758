-- Record the outcomes of attempts, unless their claim is no longer valid: after a pause of the process that was longer
-- than its lease, another worker may have sent the delivery.
-- params   arrays with an element per delivery: ids and claims (`claimed_until`); statuses, next_attempts, response_statuses,
--          responses, errors, milliseconds
--          at  timestamptz  the end of the attempts
-- returns  id of each delivery that was recorded
-- index    webhooks_delivery_pkey
UPDATE webhooks_delivery AS delivery
SET
    status = outcome.status,
    attempts = delivery.attempts + 1,
    next_attempt_at = outcome.next_attempt_at,
    claimed_until = NULL,
    attempted_at = %(at)s::timestamptz,
    response_status = outcome.response_status,
    response = outcome.response,
    error = outcome.error,
    milliseconds = outcome.milliseconds,
    delivered_at = CASE WHEN outcome.status = 'delivered' THEN %(at)s END
FROM unnest(
    %(ids)s::bigint[],
    %(claims)s::timestamptz[],
    %(statuses)s::text[],
    %(next_attempts)s::timestamptz[],
    %(response_statuses)s::int[],
    %(responses)s::text[],
    %(errors)s::text[],
    %(milliseconds)s::int[]
) AS outcome (id, claim, status, next_attempt_at, response_status, response, error, milliseconds)
WHERE delivery.id = outcome.id AND delivery.status = 'pending' AND delivery.claimed_until = outcome.claim
RETURNING delivery.id;
