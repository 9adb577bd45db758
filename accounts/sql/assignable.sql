-- Active users who can be assigned to tickets: agents in order of name, then customers.
-- params   text            text  beginnings of words of the name; '': any
--          address         text  beginning of the address, in lower case
--          after_address   text  sorted after all addresses that begin so
--          with_customers  bool
--          only_agent_id   bigint | null  the only agent to include; null: all agents
--          without         bigint[]  ids of users to leave out
--          skipped         int   number of users to skip
--          row_limit       int   maximum number of users
-- returns  id bigint, name text, email text, type text
-- index    user_agent; user_name, user_name_words, user_address_start
WITH
\ir parts/found.sql
SELECT id, name, email, type
FROM (
    (
        -- There are few enough agents to look at each.
        SELECT person.id, person.name, person.email, person.type, 1 AS place
        FROM accounts_user AS person
        WHERE person.type = 'agent'
            AND person.is_active
            AND (%(only_agent_id)s::bigint IS NULL OR person.id = %(only_agent_id)s)
            AND person.id <> ALL (%(without)s::bigint[])
            AND (
                %(text)s = ''
                OR search_split(search_fold(person.name))::tsvector @@ (SELECT search_query(%(text)s))
                OR starts_with(lower(person.email), %(address)s)
            )
        ORDER BY search_sort_key(person.name), person.id
        LIMIT %(skipped)s::int + %(row_limit)s::int
    )
    UNION ALL
    (
        SELECT person.id, person.name, person.email, person.type, 2 AS place
        FROM accounts_user AS person
        WHERE %(with_customers)s::boolean AND %(text)s = '' AND person.type = 'customer' AND person.is_active
            AND person.id <> ALL (%(without)s)
        ORDER BY search_sort_key(person.name), person.id
        LIMIT %(skipped)s + %(row_limit)s
    )
    UNION ALL
    (
        SELECT person.id, person.name, person.email, person.type, 2 AS place
        FROM found
        JOIN accounts_user AS person ON person.id = found.id
        WHERE %(with_customers)s AND %(text)s <> '' AND person.type = 'customer' AND person.is_active
            AND person.id <> ALL (%(without)s)
    )
) AS offered
ORDER BY place, search_sort_key(name), id
OFFSET %(skipped)s
LIMIT %(row_limit)s;
