-- Add the new daily counts to those of their months, and replace the rows of each cell that has new ones by a single row
-- with their sum; by none if the sum is zero. The same for the cells of the months.
-- Writes the sum of exactly the rows it removed, so concurrent writers cannot make it wrong. The advisory lock prevents
-- deadlocks between two folds: the second one does nothing.
-- params   none
-- returns  removed int, written int    rows of the daily counts
-- index    daily_count_new, daily_count_day, monthly_count_month
WITH turn AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtext('analytics_dailycount')) AS is_ours
),
changed AS MATERIALIZED (
    SELECT DISTINCT day, project_id, status, priority, type
    FROM analytics_dailycount
    WHERE NOT is_in_month AND (SELECT is_ours FROM turn)
),
removed AS (
    DELETE FROM analytics_dailycount cell USING changed
    WHERE (cell.day, cell.project_id, cell.status, cell.priority, cell.type)
        = (changed.day, changed.project_id, changed.status, changed.priority, changed.type)
    RETURNING cell.*
),
written AS (
    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent, is_in_month)
    SELECT day, project_id, status, priority, type, sum(tickets), sum(spent), TRUE
    FROM removed
    GROUP BY day, project_id, status, priority, type
    HAVING sum(tickets) <> 0 OR sum(spent) <> 0
    RETURNING id
),
changed_month AS MATERIALIZED (
    SELECT DISTINCT date_trunc('month', day)::date AS month, project_id, status, priority, type FROM changed
),
removed_month AS (
    DELETE FROM analytics_monthlycount cell USING changed_month
    WHERE (cell.month, cell.project_id, cell.status, cell.priority, cell.type)
        = (changed_month.month, changed_month.project_id, changed_month.status, changed_month.priority, changed_month.type)
    RETURNING cell.*
),
written_month AS (
    INSERT INTO analytics_monthlycount (month, project_id, status, priority, type, tickets, spent)
    SELECT month, project_id, status, priority, type, sum(tickets), sum(spent)
    FROM (
        SELECT month, project_id, status, priority, type, tickets, spent FROM removed_month
        UNION ALL
        SELECT date_trunc('month', day)::date, project_id, status, priority, type, tickets, spent
        FROM removed
        WHERE NOT is_in_month
    ) AS counted
    GROUP BY month, project_id, status, priority, type
    HAVING sum(tickets) <> 0 OR sum(spent) <> 0
)
SELECT (SELECT count(*) FROM removed) AS removed, (SELECT count(*) FROM written) AS written
