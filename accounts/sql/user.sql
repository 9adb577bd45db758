-- One user.
-- params   user_id  bigint
-- returns  at most one row: the columns of parts/shown.sql
-- index    accounts_user_pkey
SELECT
\ir parts/shown.sql
FROM accounts_user AS person
WHERE person.id = %(user_id)s::bigint;
