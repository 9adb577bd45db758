-- The user to whom a token was issued. Runs on every request, so it reads only the columns that requests need.
-- params   user_id  bigint
-- returns  the columns of accounts_user in the order of the model, except last_login, is_superuser, search and field_versions; no row if there is no such user
-- index    accounts_user_pkey
SELECT id, password, version, name, email, type, is_active, created_at, revocations
FROM accounts_user
WHERE id = %(user_id)s::bigint;
