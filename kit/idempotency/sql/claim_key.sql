-- Claim an idempotency key, or return the response that is stored under it. Waits for a transaction that holds the key:
-- if it commits, its response is returned; if it rolls back, the key is ours.
-- params   place       bigint        number of the advisory lock, derived from the key
--          digest      bytea
--          expired_at  timestamptz   a key used at or before this time counts as new
-- returns  the columns of idempotency_idempotencykey, headers as jsonb; no row if the key is ours
-- index    idempotency_idempotencykey_pkey
SELECT * FROM idempotency_claim_key(%(place)s, %(digest)s, %(expired_at)s) AS kept WHERE kept.digest IS NOT NULL;
