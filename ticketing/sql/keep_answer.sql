-- Keep the answer to the request whose key this transaction has claimed.
-- params   id       bigint    of the key
--          status   int
--          body     text      JSON
--          headers  jsonb     those that the call set itself
-- returns  nothing
-- index    ticketing_idempotencykey_pkey
UPDATE ticketing_idempotencykey SET status = %(status)s, body = %(body)s, headers = %(headers)s WHERE id = %(id)s;
