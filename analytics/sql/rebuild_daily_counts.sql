-- Replace all counts by those of the tickets that this snapshot sees.
-- A ticket written meanwhile brings its own rows, which the snapshot sees as little as the ticket: neither is lost or
-- counted twice, and nobody waits. Only folding would not bear it; hold_daily_counts comes first.
-- returns  removed int, written int  (rows)
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
