-- One project with the number of its tickets.
-- Begins with SELECT because it also runs after changes, in which pghistory takes other statements for writes.
-- params   project_id  bigint
--          viewer_id   bigint | null   as in parts/counted.sql
-- returns  at most one row: the columns of parts/counted.sql
-- index    projects_project_pkey, and those of parts/counted.sql
SELECT *
FROM (
    WITH page AS MATERIALIZED (
        SELECT id, name, description, visibility, version
        FROM projects_project
        WHERE id = %(project_id)s::bigint
    ),
\ir parts/counted.sql
) AS project;
