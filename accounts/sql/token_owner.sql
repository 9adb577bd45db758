-- The user to whom a token was issued. Runs on every request, so it reads only the columns that requests need.
-- params   user_id  bigint
--          family   text, the sign-in that the token comes from
-- returns  the columns of accounts_user in the order of the model, except last_login, is_superuser, search and field_versions; no row if there is no such user, or if the sign-in was revoked
-- index    accounts_user_pkey, accounts_revokedsignin_pkey
SELECT id, password, version, name, email, type, is_active, created_at, revocations
FROM accounts_user
WHERE id = %(user_id)s::bigint
    AND NOT EXISTS (SELECT FROM accounts_revokedsignin WHERE family = %(family)s::text);
