-- Replace all daily counts by counting the tickets in this snapshot.
-- A ticket written concurrently adds its own rows. This snapshot sees neither the ticket nor those rows, so nothing is
-- lost or counted twice, and writers are not blocked. A concurrent fold would break this: run lock_daily_counts first.
-- params   none
-- returns  removed int, written int    rows
-- index    none: a pass over the tickets
WITH removed AS (
    DELETE FROM analytics_dailycount RETURNING id
),
written AS (
    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)
    SELECT (ticket.created_at AT TIME ZONE 'UTC')::date, project_id, status, priority, ticket.type, count(*),
        COALESCE(sum(price) FILTER (WHERE creator.type = 'customer'), 0)
    FROM tickets_ticket ticket
    JOIN accounts_user creator ON creator.id = created_by_id
    GROUP BY 1, 2, 3, 4, 5
    RETURNING id
)
SELECT (SELECT count(*) FROM removed) AS removed, (SELECT count(*) FROM written) AS written
