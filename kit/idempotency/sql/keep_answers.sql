-- Store the responses to several requests whose keys this transaction has claimed.
-- params   digests, body_digests  bytea[]
--          statuses               int[]
--          bodies                 text[]       JSON
--          object_ids             bigint[]     of the objects to read again, where the body is too long to store
--          at                     timestamptz
-- returns  a row per response, without a value
SELECT idempotency_keep_answer(digest, body_digest, status, body, '{}', %(at)s, object_id)
FROM unnest(
    %(digests)s::bytea[], %(body_digests)s::bytea[], %(statuses)s::int[], %(bodies)s::text[], %(object_ids)s::bigint[]
) AS answer (digest, body_digest, status, body, object_id);
