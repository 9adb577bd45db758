-- Which daily counts differ from the tickets they are derived from? No rows if all are correct.
-- params   none
-- returns  day                         date (UTC)
--          project_id                  bigint
--          status, priority, type      text
--          tickets, counted_tickets    int         number of tickets: actual, and according to the counts
--          spent, counted_spent        numeric     money spent by customers: actual, and according to the counts
-- index    none: a pass over the tickets and one over the counts
WITH actual AS (
    SELECT (ticket.created_at AT TIME ZONE 'UTC')::date AS day, project_id, status, priority, ticket.type,
        count(*) AS tickets, COALESCE(sum(price) FILTER (WHERE creator.type = 'customer'), 0) AS spent
    FROM tickets_ticket ticket
    JOIN accounts_user creator ON creator.id = created_by_id
    GROUP BY 1, 2, 3, 4, 5
),
counted AS (
    SELECT day, project_id, status, priority, type, sum(tickets) AS tickets, sum(spent) AS spent
    FROM analytics_dailycount
    GROUP BY 1, 2, 3, 4, 5
)
SELECT day, project_id, status, priority, type,
    COALESCE(actual.tickets, 0) AS tickets, COALESCE(actual.spent, 0) AS spent,
    COALESCE(counted.tickets, 0) AS counted_tickets, COALESCE(counted.spent, 0) AS counted_spent
FROM actual FULL JOIN counted USING (day, project_id, status, priority, type)
WHERE (COALESCE(actual.tickets, 0), COALESCE(actual.spent, 0))
    <> (COALESCE(counted.tickets, 0), COALESCE(counted.spent, 0))
ORDER BY day, project_id, status, priority, type
