-- The users that a search is most likely to mean: those with this very name or address, then active ones, then by name.
-- params   text           text         beginnings of words of the name
--          address        text         beginning of the address, in lower case
--          after_address  text         sorted after all addresses that begin so
--          digits         text | null  last digits of the telephone number, reversed
--          row_limit      int          maximum number of users
-- returns  id bigint, name text, email text, phone text, type text, is_active bool
-- index    user_name_words, user_address_start, user_phone_end
SELECT person.id, person.name, person.email, person.phone, person.type, person.is_active
FROM accounts_user AS person
WHERE
\ir parts/called.sql
OR (
    person.phone <> ''
    AND reverse(person.phone) COLLATE "C" >= %(digits)s::text
    AND reverse(person.phone) COLLATE "C" < %(digits)s || chr(1114111)
)
ORDER BY
    search_fold(person.name) = search_fold(%(text)s) OR lower(person.email) = %(address)s DESC,
    person.is_active DESC,
    search_sort_key(person.name),
    person.id
LIMIT %(row_limit)s::int;
