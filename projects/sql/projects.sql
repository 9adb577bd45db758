-- Projects in order of name, ignoring case and accents, then of id, with the number of their tickets.
-- params   search     text            words of the name, or their beginnings; '' matches any
--          after      text            name of the last project on the previous page; '': start with the first
--          after_id   bigint          its id; 0: start with the first
--          row_limit  int             maximum number of projects
--          viewer_id  bigint | null   as in parts/counted.sql
-- returns  the columns of parts/counted.sql
-- index    project_order, and those of parts/counted.sql
WITH page AS MATERIALIZED (
    SELECT id, name, description, visibility, version
    FROM projects_project
    WHERE (search_sort_key(name), id) > (search_sort_key(%(after)s::text), %(after_id)s::bigint)
        -- The inner SELECT runs once, not for each project.
        AND (
            %(search)s::text = ''
            OR search_split(search_fold(name))::tsvector @@ (SELECT search_query(%(search)s))
        )
    ORDER BY search_sort_key(name), id
    LIMIT %(row_limit)s::int
),
\ir parts/counted.sql
;
