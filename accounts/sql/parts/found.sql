-- A CTE with the ids of users whose name has words that begin with each word of a text, or whose address begins with it:
-- those with this very name, and a limited number of the others, so that beginnings of many names take no long time.
found AS MATERIALIZED (
    (
        SELECT id
        FROM accounts_user
        WHERE search_sort_key(name) = search_sort_key(%(text)s::text)
        ORDER BY id
        LIMIT 50
    )
    UNION
    (
        SELECT id
        FROM accounts_user
        -- A subquery, so that PostgreSQL does not know how many names match, and uses the index.
        WHERE search_split(search_fold(name))::tsvector @@ (SELECT search_query(%(text)s))
        LIMIT 300
    )
    UNION
    (
        SELECT id
        FROM accounts_user
        WHERE lower(email) COLLATE "C" >= %(address)s::text AND lower(email) COLLATE "C" < %(after_address)s::text
        ORDER BY lower(email) COLLATE "C"
        LIMIT 50
    )
)
