-- Store the response to the request whose key this transaction has claimed.
-- params   digest, body_digest  bytea
--          status               int
--          body                 text         JSON
--          headers              jsonb        those that the view set
--          at                   timestamptz  when the key was used
--          object_id            bigint       of the object to read again, if the body is too long to store; else NULL
-- returns  one row, without a value
SELECT idempotency_keep_answer(%(digest)s, %(body_digest)s, %(status)s, %(body)s, %(headers)s, %(at)s, %(object_id)s)
