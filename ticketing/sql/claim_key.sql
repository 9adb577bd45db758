-- Be the first with an idempotency key, and so the one who does the work. Waits for whoever works under it already: their
-- commit makes us second, their rollback first.
-- params   digest, body_digest  bytea
--          at                   timestamptz   now
--          expired_at           timestamptz   a key that was used then or before is as good as new
-- returns  id bigint            no row: somebody was first
-- index    ticketing_idempotencykey_digest_key
INSERT INTO ticketing_idempotencykey AS held (digest, body_digest, created_at)
VALUES (%(digest)s, %(body_digest)s, %(at)s)
ON CONFLICT (digest) DO UPDATE
    SET body_digest = excluded.body_digest, created_at = excluded.created_at, status = NULL
    WHERE held.created_at <= %(expired_at)s
RETURNING held.id
