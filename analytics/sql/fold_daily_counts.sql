-- Add up the rows of every cell that has more than one; a cell that has come to nothing leaves none.
-- What is written is the sum of what this very statement removed, so it is right whoever else is writing. The lock keeps
-- two of these from waiting for each other in a circle; whoever comes second does nothing.
-- returns  removed int, written int  (rows)
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
