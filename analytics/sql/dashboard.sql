-- How many tickets visible to a user were created in a span, by status, priority and type? What did customers spend on
-- them, and how many customers were there?
-- Whole UTC days are answered from the daily counts, and the rest of the span from the tickets. With a venue, everything
-- is answered from the tickets, since the counts do not include venues.
-- "Visible" here means the same as Ticket.objects.visible_to; test_queries.py compares the two.
-- params   viewer_id                   bigint | null       null: a member of staff, who sees every ticket
--          starts_at, ends_at          timestamptz | null  the span: starts_at <= created_at < ends_at; null: unbounded
--          has_days                    bool                whether the span contains whole UTC days
--          days_from, days_until       date | null         those days: days_from <= day < days_until; null: unbounded
--          first_from, first_until     timestamptz | null  the part of the span before those days; null: none
--          last_from, last_until       timestamptz | null  the part of the span after those days; null: none
--          status, priority, type, venue    text | null    null: any
--          utc_offset                  interval | null     count days in this offset; null: in UTC
-- returns  tickets, open, in_progress, closed, low, medium, high    bigint    tickets
--          types                       text[]              types that occur, in alphabetical order
--          tickets_of_types            bigint[]            tickets of each of `types`
--          first_day, last_day         date | null         first and last day with tickets; null: no tickets. With an offset, only
--                                                          the one at the end of the span that has no bound
--          spent                       numeric             total price of the tickets created by customers
--          customers                   bigint              customers who created at least one of the tickets
-- index    daily_count_day, ticket_created_at, ticket_venue, ticket_creator (covers the count of customers)
WITH single AS MATERIALIZED (
    -- Tickets in projects that everyone sees.
    SELECT created_at, status, priority, type, price, created_by_id, FALSE AS is_restricted
    FROM tickets_ticket
    WHERE (
            (created_at >= %(first_from)s::timestamptz AND created_at < %(first_until)s::timestamptz)
            OR (created_at >= %(last_from)s::timestamptz AND created_at < %(last_until)s::timestamptz)
        )
        AND (%(status)s::text IS NULL OR status = %(status)s)
        AND (%(priority)s::text IS NULL OR priority = %(priority)s)
        AND (%(type)s::text IS NULL OR type = %(type)s)
        AND (%(venue)s::text IS NULL OR venue = %(venue)s)
        AND (
            %(viewer_id)s::bigint IS NULL
            OR project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
        )
    UNION ALL
    -- Tickets in the other projects that the viewer created or is assigned to.
    SELECT created_at, status, priority, type, price, created_by_id, TRUE
    FROM tickets_ticket
    WHERE %(viewer_id)s::bigint IS NOT NULL
        AND (
            created_by_id = %(viewer_id)s
            OR id = ANY (ARRAY(SELECT ticket_id FROM tickets_assignment WHERE user_id = %(viewer_id)s))
        )
        AND project_id <> ALL (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
        AND (%(starts_at)s::timestamptz IS NULL OR created_at >= %(starts_at)s)
        AND (%(ends_at)s::timestamptz IS NULL OR created_at < %(ends_at)s)
        AND (%(status)s::text IS NULL OR status = %(status)s)
        AND (%(priority)s::text IS NULL OR priority = %(priority)s)
        AND (%(type)s::text IS NULL OR type = %(type)s)
        AND (%(venue)s::text IS NULL OR venue = %(venue)s)
),
counted AS MATERIALIZED (
    SELECT day, status, priority, type, sum(tickets) AS tickets, sum(spent) AS spent
    FROM (
        SELECT day, status, priority, type, tickets, spent
        FROM analytics_dailycount
        WHERE %(has_days)s
            AND (%(days_from)s::date IS NULL OR day >= %(days_from)s)
            AND (%(days_until)s::date IS NULL OR day < %(days_until)s)
            AND (%(status)s::text IS NULL OR status = %(status)s)
            AND (%(priority)s::text IS NULL OR priority = %(priority)s)
            AND (%(type)s::text IS NULL OR type = %(type)s)
            AND (
                %(viewer_id)s::bigint IS NULL
                OR project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
            )
        UNION ALL
        SELECT (single.created_at AT TIME ZONE 'UTC')::date, status, priority, single.type, 1,
            CASE WHEN creator.type = 'customer' THEN price END
        FROM single JOIN accounts_user creator ON creator.id = created_by_id
    ) counts
    GROUP BY day, status, priority, type
    HAVING sum(tickets) <> 0
),
edge AS (
    -- The counts are by UTC day. In another offset, tickets of the first or last UTC day decide.
    SELECT min(created_at) AS first_at, max(created_at) AS last_at
    FROM (
        SELECT CASE WHEN %(starts_at)s::timestamptz IS NULL THEN min(day) ELSE max(day) END AS day FROM counted
    ) counted_days
    JOIN tickets_ticket
        ON created_at >= counted_days.day::timestamp AT TIME ZONE 'UTC'
        AND created_at < (counted_days.day + 1)::timestamp AT TIME ZONE 'UTC'
    WHERE %(utc_offset)s::interval IS NOT NULL
        AND (%(starts_at)s::timestamptz IS NULL OR created_at >= %(starts_at)s)
        AND (%(ends_at)s::timestamptz IS NULL OR created_at < %(ends_at)s)
        AND (%(status)s::text IS NULL OR status = %(status)s)
        AND (%(priority)s::text IS NULL OR priority = %(priority)s)
        AND (%(type)s::text IS NULL OR type = %(type)s)
        AND (%(venue)s::text IS NULL OR venue = %(venue)s)
        AND (
            %(viewer_id)s::bigint IS NULL
            OR project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
            OR created_by_id = %(viewer_id)s
            OR id = ANY (ARRAY(SELECT ticket_id FROM tickets_assignment WHERE user_id = %(viewer_id)s))
        )
),
types AS (
    SELECT type, sum(tickets)::bigint AS tickets FROM counted GROUP BY type
),
customers AS (
    -- One index lookup per customer, which stops at the first match.
    SELECT customer.id
    FROM accounts_user customer
    CROSS JOIN LATERAL (
        SELECT FROM tickets_ticket
        WHERE created_by_id = customer.id
            AND (%(starts_at)s::timestamptz IS NULL OR created_at >= %(starts_at)s)
            AND (%(ends_at)s::timestamptz IS NULL OR created_at < %(ends_at)s)
            AND (%(status)s::text IS NULL OR status = %(status)s)
            AND (%(priority)s::text IS NULL OR priority = %(priority)s)
            AND (%(type)s::text IS NULL OR type = %(type)s)
            AND (
                %(viewer_id)s::bigint IS NULL
                OR project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
            )
        LIMIT 1
    ) matching
    WHERE customer.type = 'customer'
        AND %(venue)s::text IS NULL
        -- Skip the lookups if no ticket matches.
        AND EXISTS (SELECT FROM counted)
    UNION
    SELECT creator.id
    FROM single JOIN accounts_user creator ON creator.id = created_by_id
    WHERE creator.type = 'customer' AND (is_restricted OR %(venue)s::text IS NOT NULL)
)
SELECT
    COALESCE(sum(tickets), 0)::bigint AS tickets,
    COALESCE(sum(tickets) FILTER (WHERE status = 'open'), 0)::bigint AS open,
    COALESCE(sum(tickets) FILTER (WHERE status = 'in-progress'), 0)::bigint AS in_progress,
    COALESCE(sum(tickets) FILTER (WHERE status = 'closed'), 0)::bigint AS closed,
    COALESCE(sum(tickets) FILTER (WHERE priority = 'low'), 0)::bigint AS low,
    COALESCE(sum(tickets) FILTER (WHERE priority = 'medium'), 0)::bigint AS medium,
    COALESCE(sum(tickets) FILTER (WHERE priority = 'high'), 0)::bigint AS high,
    ARRAY(SELECT type::text FROM types ORDER BY type) AS types,
    ARRAY(SELECT tickets FROM types ORDER BY type) AS tickets_of_types,
    coalesce((SELECT (first_at AT TIME ZONE 'UTC' + %(utc_offset)s::interval)::date FROM edge), min(day)) AS first_day,
    coalesce((SELECT (last_at AT TIME ZONE 'UTC' + %(utc_offset)s::interval)::date FROM edge), max(day)) AS last_day,
    COALESCE(sum(spent), 0) AS spent,
    (SELECT count(*) FROM customers) AS customers
FROM counted
