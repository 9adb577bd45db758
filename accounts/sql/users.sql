-- Users in order of name, ignoring case and accents, then of id.
-- params   search     text          words of the name or address, or their beginnings; '' matches any
--          type       text | null   null: any
--          after      text          name of the last user on the previous page; '': start with the first
--          after_id   bigint        its id; 0: start with the first
--          row_limit  int           maximum number of users
-- returns  the columns of parts/shown.sql
-- index    user_name; user_search if the plan is for the search's own words (queries.users)
SELECT
\ir parts/shown.sql
FROM accounts_user AS person
WHERE (search_sort_key(person.name), person.id) > (search_sort_key(%(after)s::text), %(after_id)s::bigint)
    AND (%(type)s::text IS NULL OR person.type = %(type)s)
    AND (%(search)s::text = '' OR person.search @@ search_query(%(search)s, TRUE))
    -- COALESCE keeps PostgreSQL from using an index for words that begin too many others (search_terms).
    AND (%(search)s = '' OR coalesce(person.search @@ search_query(%(search)s, FALSE), TRUE))
ORDER BY search_sort_key(person.name), person.id
LIMIT %(row_limit)s::int;
