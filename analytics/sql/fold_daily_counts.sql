-- Replace the rows of each cell that has more than one by a single row with their sum; by none if the sum is zero.
-- Writes the sum of exactly the rows it removed, so concurrent writers cannot make it wrong. The advisory lock prevents
-- deadlocks between two folds: the second one does nothing.
-- params   none
-- returns  removed int, written int    rows
-- index    none: a pass over the daily counts
WITH turn AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtext('analytics_dailycount')) AS is_ours
),
crowded AS (
    SELECT day, project_id, status, priority, type
    FROM analytics_dailycount
    WHERE (SELECT is_ours FROM turn)
    GROUP BY day, project_id, status, priority, type
    HAVING count(*) > 1
),
removed AS (
    DELETE FROM analytics_dailycount cell USING crowded
    WHERE (cell.day, cell.project_id, cell.status, cell.priority, cell.type)
        = (crowded.day, crowded.project_id, crowded.status, crowded.priority, crowded.type)
    RETURNING cell.*
),
written AS (
    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)
    SELECT day, project_id, status, priority, type, sum(tickets), sum(spent)
    FROM removed
    GROUP BY day, project_id, status, priority, type
    HAVING sum(tickets) <> 0 OR sum(spent) <> 0
    RETURNING id
)
SELECT (SELECT count(*) FROM removed) AS removed, (SELECT count(*) FROM written) AS written
