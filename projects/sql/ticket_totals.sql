-- How many tickets do these projects have, visible or not?
-- params   projects    bigint[]        ids
-- returns  project     bigint          id of a project; no row for one that never had tickets
--          tickets     bigint          number of its tickets
-- index    none: a pass over the monthly counts of analytics, whose size grows with months and kinds, not with tickets;
--          daily_count_new for what was not added to them yet
SELECT project_id AS project, sum(tickets)::bigint AS tickets
FROM (
\ir parts/counts.sql
) AS count
WHERE project_id = ANY(%(projects)s)
GROUP BY project_id
