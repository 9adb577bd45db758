-- Users with the given ids.
-- params   ids  bigint[]
-- returns  the columns of parts/shown.sql
-- index    accounts_user_pkey
SELECT
\ir parts/shown.sql
FROM accounts_user AS person
WHERE person.id = ANY(%(ids)s::bigint[])
