-- The users that a search is most likely to mean: those with this very name or address, then active ones, then by name.
-- params   text           text         beginnings of words of the name; not empty
--          address        text         beginning of the address, in lower case
--          after_address  text         sorted after all addresses that begin so
--          digits         text | null  last digits of the telephone number, reversed
--          row_limit      int          maximum number of users
-- returns  id bigint, name text, email text, phone text, type text, is_active bool
-- index    user_name, user_name_words, user_address_start, user_phone_end
WITH
\ir parts/found.sql
, reached AS (
    SELECT id
    FROM accounts_user
    WHERE phone <> ''
        AND reverse(phone) COLLATE "C" >= %(digits)s::text
        AND reverse(phone) COLLATE "C" < %(digits)s || chr(1114111)
    LIMIT 50
)
SELECT person.id, person.name, person.email, person.phone, person.type, person.is_active
FROM (SELECT id FROM found UNION SELECT id FROM reached) AS meant
JOIN accounts_user AS person ON person.id = meant.id
ORDER BY
    search_sort_key(person.name) = search_sort_key(%(text)s) OR lower(person.email) = %(address)s DESC,
    person.is_active DESC,
    search_sort_key(person.name),
    person.id
LIMIT %(row_limit)s::int;
