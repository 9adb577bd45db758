-- How many tickets some projects have, whoever may see them.
-- params   projects     bigint[]       ids
-- returns  project bigint (its id); tickets bigint (tickets; no row for a project that never had one)
-- index    none: one pass over the daily counts, whose number grows with days and kinds and not with tickets
SELECT project_id AS project, sum(tickets)::bigint AS tickets
FROM analytics_dailycount
WHERE project_id = ANY(%(projects)s)
GROUP BY project_id
