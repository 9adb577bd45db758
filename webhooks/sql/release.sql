-- Give up claims on deliveries that were not sent, so that other workers can send them at once.
-- params   ids, claims (`claimed_until`)  arrays with an element per delivery
-- returns  id of each
-- index    webhooks_delivery_pkey
UPDATE webhooks_delivery AS delivery
SET claimed_until = NULL, next_attempt_at = clock_timestamp()
FROM unnest(%(ids)s::bigint[], %(claims)s::timestamptz[]) AS claimed (id, claim)
WHERE delivery.id = claimed.id AND delivery.status = 'pending' AND delivery.claimed_until = claimed.claim
RETURNING delivery.id;
