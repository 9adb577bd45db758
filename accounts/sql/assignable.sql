-- Active users who can be assigned to tickets: agents in order of name, then customers.
-- params   text            text  beginnings of words of the name; '': any
--          address         text  beginning of the address, in lower case
--          after_address   text  sorted after all addresses that begin so
--          with_customers  bool
--          skipped         int   number of users to skip
--          row_limit       int   maximum number of users
-- returns  id bigint, name text, email text, type text
-- index    user_agent; user_name, or user_name_words and user_address_start
SELECT id, name, email, type
FROM (
    (
        SELECT person.id, person.name, person.email, person.type, 1 AS place
        FROM accounts_user AS person
        WHERE person.type = 'agent' AND person.is_active
        AND
\ir parts/called.sql
        ORDER BY search_sort_key(person.name), person.id
        LIMIT %(skipped)s::int + %(row_limit)s::int
    )
    UNION ALL
    (
        SELECT person.id, person.name, person.email, person.type, 2 AS place
        FROM accounts_user AS person
        WHERE %(with_customers)s::boolean AND person.type = 'customer' AND person.is_active
        AND
\ir parts/called.sql
        ORDER BY search_sort_key(person.name), person.id
        LIMIT %(skipped)s + %(row_limit)s
    )
) AS found
ORDER BY place, search_sort_key(name), id
OFFSET %(skipped)s
LIMIT %(row_limit)s;
