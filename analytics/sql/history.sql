-- How many tickets visible to a user were created in a span, by status, priority and type? Returns a page of them too.
-- Counts exactly like dashboard.sql. The page is read only from days that have matching tickets, so that rare tickets do
-- not cost a scan of all of them.
-- "Visible" here means the same as Ticket.objects.visible_to; test_queries.py compares the two.
-- params   as in dashboard.sql, and
--          before_at, before_id        timestamptz, bigint | null    the page continues after this ticket; null: from
--                                                                    the newest ticket
--          page_size                   int                 maximum number of tickets on the page
-- returns  tickets, open, in_progress, closed, low, medium, high    bigint    tickets
--          types                       text[]              types that occur, in alphabetical order
--          tickets_of_types            bigint[]            tickets of each of `types`
--          page_ids bigint[], page_titles text[], page_statuses text[], page_priorities text[], page_types text[],
--          page_venues text[], page_created_at timestamptz[], page_created_by bigint[] (user ids)
--                                      the page, newest first, one element per ticket; null: no tickets
-- index    monthly_count_month, daily_count_day, daily_count_new, ticket_created_at, ticket_venue, ticket_creator,
--          ticket_by_id, tickets_ticket_pkey
WITH single AS MATERIALIZED (
    -- Tickets in projects that everyone sees.
    SELECT created_at, status, priority, type
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
    SELECT created_at, status, priority, type
    FROM tickets_ticket
    WHERE id = ANY (ARRAY(
\ir parts/restricted.sql
    ))
),
\ir parts/counts.sql
,
counted AS MATERIALIZED (
    SELECT status, priority, type, sum(tickets) AS tickets
    FROM (
        SELECT status, priority, type, tickets
        FROM counts
        WHERE %(has_days)s
            AND
\ir parts/matching.sql
        UNION ALL
        SELECT status, priority, type, 1 FROM single
    ) AS counted
    GROUP BY status, priority, type
    HAVING sum(tickets) <> 0
),
types AS (
    SELECT type, sum(tickets)::bigint AS tickets FROM counted GROUP BY type
),
counted_days AS (
    -- The newest days with tickets from where the page starts. Each has one at least, so there are enough for the page.
    SELECT day, sum(tickets) AS tickets
    FROM (
        (
            SELECT day, sum(tickets) AS tickets
            FROM analytics_dailycount
            WHERE %(has_days)s
                AND day >= (SELECT day FROM whole)
                AND day < (SELECT until FROM whole)
                AND (%(before_at)s::timestamptz IS NULL OR day <= (%(before_at)s AT TIME ZONE 'UTC')::date)
                AND
\ir parts/matching.sql
            GROUP BY day
            HAVING sum(tickets) <> 0
            ORDER BY day DESC
            LIMIT %(page_size)s + 1
        )
        UNION ALL
        SELECT (created_at AT TIME ZONE 'UTC')::date, 1
        FROM single
        WHERE %(before_at)s::timestamptz IS NULL
            OR (created_at AT TIME ZONE 'UTC')::date <= (%(before_at)s AT TIME ZONE 'UTC')::date
    ) AS counted
    GROUP BY day
),
days AS (
    -- Just enough days to fill the page: those whose newer days do not fill it yet. The day on which the page starts is
    -- not counted, since its tickets may all be on earlier pages.
    SELECT day
    FROM (
        SELECT
            day,
            sum(tickets) FILTER (
                WHERE %(before_at)s::timestamptz IS NULL OR day < (%(before_at)s AT TIME ZONE 'UTC')::date
            ) OVER (ORDER BY day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newer_tickets
        FROM counted_days
    ) AS filled
    WHERE COALESCE(newer_tickets, 0) < %(page_size)s
),
newest AS (
    SELECT ticket.*
    FROM days
    CROSS JOIN LATERAL (
        SELECT id, title, status, priority, type, venue, created_at, created_by_id
        FROM tickets_ticket
        WHERE created_at >= days.day::timestamp AT TIME ZONE 'UTC'
            AND created_at < (days.day + 1)::timestamp AT TIME ZONE 'UTC'
            AND (%(starts_at)s::timestamptz IS NULL OR created_at >= %(starts_at)s)
            AND (%(ends_at)s::timestamptz IS NULL OR created_at < %(ends_at)s)
            AND (%(before_at)s::timestamptz IS NULL OR (created_at, id) < (%(before_at)s, %(before_id)s::bigint))
            AND (%(status)s::text IS NULL OR status = %(status)s)
            AND (%(priority)s::text IS NULL OR priority = %(priority)s)
            AND (%(type)s::text IS NULL OR type = %(type)s)
            AND (%(venue)s::text IS NULL OR venue = %(venue)s)
            AND (
                %(viewer_id)s::bigint IS NULL
                OR created_by_id = %(viewer_id)s
                OR id = ANY (ARRAY(SELECT ticket_id FROM tickets_assignment WHERE user_id = %(viewer_id)s))
                OR project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
            )
        ORDER BY created_at DESC, id DESC
        LIMIT %(page_size)s
    ) ticket
    ORDER BY ticket.created_at DESC, ticket.id DESC
    LIMIT %(page_size)s
),
page AS (
    SELECT
        array_agg(id) AS page_ids,
        array_agg(title::text) AS page_titles,
        array_agg(status::text) AS page_statuses,
        array_agg(priority::text) AS page_priorities,
        array_agg(type::text) AS page_types,
        array_agg(venue::text) AS page_venues,
        array_agg(created_at) AS page_created_at,
        array_agg(created_by_id) AS page_created_by
    FROM newest
),
figures AS (
    SELECT
        COALESCE(sum(tickets), 0)::bigint AS tickets,
        COALESCE(sum(tickets) FILTER (WHERE status = 'open'), 0)::bigint AS open,
        COALESCE(sum(tickets) FILTER (WHERE status = 'in-progress'), 0)::bigint AS in_progress,
        COALESCE(sum(tickets) FILTER (WHERE status = 'closed'), 0)::bigint AS closed,
        COALESCE(sum(tickets) FILTER (WHERE priority = 'low'), 0)::bigint AS low,
        COALESCE(sum(tickets) FILTER (WHERE priority = 'medium'), 0)::bigint AS medium,
        COALESCE(sum(tickets) FILTER (WHERE priority = 'high'), 0)::bigint AS high,
        ARRAY(SELECT type::text FROM types ORDER BY type) AS types,
        ARRAY(SELECT tickets FROM types ORDER BY type) AS tickets_of_types
    FROM counted
)
SELECT * FROM figures, page
