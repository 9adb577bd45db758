-- How many tickets do these projects have, visible or not?
-- params   projects    bigint[]        ids
-- returns  project     bigint          id of a project; no row for one that never had tickets
--          tickets     bigint          number of its tickets
-- index    none: a pass over the daily counts of analytics, whose size grows with days and kinds, not with tickets
SELECT project_id AS project, sum(tickets)::bigint AS tickets
FROM analytics_dailycount
WHERE project_id = ANY(%(projects)s)
GROUP BY project_id
