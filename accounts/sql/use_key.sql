-- Write down that an API key was used. If other requests do so at the same moment, they do not wait for each other.
-- params   key_id  bigint
-- index    accounts_apikey_pkey
UPDATE accounts_apikey
SET last_used_at = now()
WHERE id = (
    SELECT id
    FROM accounts_apikey
    WHERE id = %(key_id)s::bigint AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
    FOR NO KEY UPDATE SKIP LOCKED
);
