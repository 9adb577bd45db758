-- Which monthly counts differ from the daily counts that were added to them? No rows if all are correct.
-- params   none
-- returns  the columns of daily_count_faults.sql; day: the first of the month; actual: according to the daily counts
-- index    none: a pass over the counts
WITH actual AS (
    SELECT date_trunc('month', day)::date AS day, project_id, status, priority, type,
        sum(tickets) AS tickets, sum(spent) AS spent
    FROM analytics_dailycount
    WHERE is_in_month
    GROUP BY 1, 2, 3, 4, 5
),
counted AS (
    SELECT month AS day, project_id, status, priority, type, sum(tickets) AS tickets, sum(spent) AS spent
    FROM analytics_monthlycount
    GROUP BY 1, 2, 3, 4, 5
)
SELECT day, project_id, status, priority, type,
    COALESCE(actual.tickets, 0) AS tickets, COALESCE(actual.spent, 0) AS spent,
    COALESCE(counted.tickets, 0) AS counted_tickets, COALESCE(counted.spent, 0) AS counted_spent
FROM actual FULL JOIN counted USING (day, project_id, status, priority, type)
WHERE (COALESCE(actual.tickets, 0), COALESCE(actual.spent, 0))
    <> (COALESCE(counted.tickets, 0), COALESCE(counted.spent, 0))
ORDER BY day, project_id, status, priority, type
