-- The API keys of a user, newest first. There are at most 25 (services/api_keys.py).
-- params   user_id  bigint
-- returns  the keys of ApiKeySerializer
-- index    accounts_apikey_user_id_…
SELECT
    id,
    name,
    prefix,
    scope,
    kit_utc_text(created_at) AS "createdAt",
    kit_utc_text(expires_at) AS "expiresAt",
    kit_utc_text(last_used_at) AS "lastUsedAt"
FROM accounts_apikey
WHERE user_id = %(user_id)s::bigint
ORDER BY id DESC;
