-- Who a token says that its bearer is: asked with every request, so only what requests need.
-- params   user_id  bigint
-- returns  the columns of accounts_user but for last_login and is_superuser; no row: there is no such user
-- index    accounts_user_pkey
SELECT id, password, name, email, type, is_active, created_at, deactivations
FROM accounts_user
WHERE id = %(user_id)s;
