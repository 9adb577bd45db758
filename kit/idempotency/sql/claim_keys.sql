-- Claim several idempotency keys as claim_key.sql does. In the order of their locks, so that two transactions that claim
-- the same keys wait for each other at the first of them and cannot deadlock.
-- params   places      bigint[]
--          digests     bytea[]
--          expired_at  timestamptz
-- returns  as claim_key.sql; no rows for the keys that are ours
-- index    idempotency_idempotencykey_pkey
SELECT kept.*
FROM (
    SELECT place, digest FROM unnest(%(places)s::bigint[], %(digests)s::bytea[]) AS key (place, digest)
    ORDER BY place, digest
) AS wanted
CROSS JOIN LATERAL idempotency_claim_key(wanted.place, wanted.digest, %(expired_at)s) AS kept
WHERE kept.digest IS NOT NULL;
