-- The user of an API key. Runs on every request with a key, as token_owner.sql does on the others.
-- params   digest  bytea, the SHA-256 of the key
-- returns  the columns of token_owner.sql; key_id bigint; scope text; is_use_due bool: whether a minute has passed since last_used_at was written; no row if there is no such key, or if it has expired
-- index    accounts_apikey_digest_key, accounts_user_pkey
SELECT
    person.id,
    person.password,
    person.version,
    person.name,
    person.email,
    person.type,
    person.is_active,
    person.created_at,
    person.revocations,
    key.id AS key_id,
    key.scope,
    key.last_used_at IS NULL OR key.last_used_at < now() - interval '1 minute' AS is_use_due
FROM accounts_apikey AS key
JOIN accounts_user AS person ON person.id = key.user_id
WHERE key.digest = %(digest)s::bytea
    AND (key.expires_at IS NULL OR key.expires_at > now())
    AND person.is_active;
