-- Replace all daily and monthly counts by counting the tickets in this snapshot.
-- A ticket written concurrently adds its own rows. This snapshot sees neither the ticket nor those rows, so nothing is
-- lost or counted twice, and writers are not blocked. A concurrent fold would break this: run lock_daily_counts first.
-- params   none
-- returns  removed int, written int    rows of the daily counts
-- index    none: a pass over the tickets
WITH removed AS (
    DELETE FROM analytics_dailycount RETURNING id
),
removed_month AS (
    DELETE FROM analytics_monthlycount
),
counted AS MATERIALIZED (
    SELECT (ticket.created_at AT TIME ZONE 'UTC')::date AS day, project_id, status, priority, ticket.type,
        count(*) AS tickets, COALESCE(sum(price) FILTER (WHERE creator.type = 'customer'), 0) AS spent
    FROM tickets_ticket ticket
    JOIN accounts_user creator ON creator.id = created_by_id
    GROUP BY 1, 2, 3, 4, 5
),
written AS (
    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent, is_in_month)
    SELECT day, project_id, status, priority, type, tickets, spent, TRUE FROM counted
    RETURNING id
),
written_month AS (
    INSERT INTO analytics_monthlycount (month, project_id, status, priority, type, tickets, spent)
    SELECT date_trunc('month', day)::date, project_id, status, priority, type, sum(tickets), sum(spent)
    FROM counted
    GROUP BY 1, 2, 3, 4, 5
)
SELECT (SELECT count(*) FROM removed) AS removed, (SELECT count(*) FROM written) AS written
