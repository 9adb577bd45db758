-- Be the first with an idempotency key, and so the one who does the work. Waits for whoever works under it already: their
-- commit makes us second, their rollback first.
-- params   place       bigint        where to wait: of the same key the same
--          digest      bytea
--          expired_at  timestamptz   a key that was used then or before is as good as new
-- returns  the columns of idempotency_idempotencykey, headers as jsonb; no row: nobody was first
-- index    idempotency_idempotencykey_pkey
SELECT * FROM idempotency_claim_key(%(place)s, %(digest)s, %(expired_at)s);
