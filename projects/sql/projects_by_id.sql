-- Projects with the given ids, with the number of their tickets.
-- params   ids        bigint[]
--          viewer_id  bigint | null   as in parts/counted.sql
-- returns  the columns of parts/counted.sql
-- index    projects_project_pkey, and those of parts/counted.sql
WITH page AS MATERIALIZED (
    SELECT id, name, description, visibility, version
    FROM projects_project
    WHERE id = ANY(%(ids)s::bigint[])
),
\ir parts/counted.sql
