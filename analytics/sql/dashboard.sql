-- How many tickets visible to a user were created in a span, by status, priority and type? What did customers spend on
-- them, and how many customers were there?
-- Whole UTC months and days are answered from the counts, and the rest of the span from the tickets. With a venue,
-- everything is answered from the tickets, since the counts do not include venues. A customer is counted without a look
-- at their tickets if their last day is in the span. All others that may have created some are looked up, unless the
-- span is so short that reading all of its tickets takes less time.
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
--          first_day, last_day         date | null         first and last day with tickets, where the span has no bound
--          spent                       numeric             total price of the tickets created by customers
--          customers                   bigint              customers who created at least one of the tickets
-- index    monthly_count_month, daily_count_day, daily_count_new, ticket_created_at, ticket_venue, tickets_ticket_pkey,
--          ticket_creator (covers the lookups of customers)
WITH single AS MATERIALIZED (
    -- Tickets in projects that everyone sees, outside the whole days.
    SELECT created_at, status, priority, type, price, created_by_id, FALSE AS is_restricted
    FROM tickets_ticket
    WHERE %(venue)s::text IS NULL
        AND (
            (created_at >= %(first_from)s::timestamptz AND created_at < %(first_until)s::timestamptz)
            OR (created_at >= %(last_from)s::timestamptz AND created_at < %(last_until)s::timestamptz)
        )
        AND
\ir parts/matching.sql
    UNION ALL
    -- Those of a venue.
    SELECT created_at, status, priority, type, price, created_by_id, FALSE
    FROM tickets_ticket
    WHERE venue = %(venue)s
        AND created_at >= coalesce(%(starts_at)s::timestamptz, '-infinity')
        AND created_at < coalesce(%(ends_at)s::timestamptz, 'infinity')
        AND
\ir parts/matching.sql
    UNION ALL
    -- Tickets in the other projects that the viewer created or is assigned to.
    SELECT created_at, status, priority, type, price, created_by_id, TRUE
    FROM tickets_ticket
    WHERE id = ANY (ARRAY(
\ir parts/restricted.sql
    ))
),
\ir parts/counts.sql
,
sums AS MATERIALIZED (
    -- By status and priority, where `type` is null, and by type.
    SELECT status, priority, type, sum(tickets) AS tickets, sum(spent) AS spent
    FROM (
        SELECT status, priority, type, tickets, spent
        FROM counts
        WHERE %(has_days)s::boolean
            AND
\ir parts/matching.sql
        UNION ALL
        SELECT status, priority, single.type, 1, CASE WHEN creator.type = 'customer' THEN price END
        FROM single JOIN accounts_user AS creator ON creator.id = created_by_id
    ) AS counted
    GROUP BY GROUPING SETS ((status, priority), (type))
    HAVING sum(tickets) <> 0
),
days AS (
    -- The first day if the span has no start, and the last if it has no end. Grouping along the index stops at that day.
    SELECT
        least(
            (SELECT min((created_at AT TIME ZONE 'UTC')::date) FROM single),
            (
                SELECT day
                FROM analytics_dailycount
                WHERE %(has_days)s::boolean
                    AND %(starts_at)s::timestamptz IS NULL
                    AND day < (SELECT until FROM whole)
                    AND
\ir parts/matching.sql
                GROUP BY day
                HAVING sum(tickets) <> 0
                ORDER BY day
                LIMIT 1
            )
        ) AS first,
        greatest(
            (SELECT max((created_at AT TIME ZONE 'UTC')::date) FROM single),
            (
                SELECT day
                FROM analytics_dailycount
                WHERE %(has_days)s::boolean
                    AND %(ends_at)s::timestamptz IS NULL
                    AND day >= (SELECT day FROM whole)
                    AND
\ir parts/matching.sql
                GROUP BY day
                HAVING sum(tickets) <> 0
                ORDER BY day DESC
                LIMIT 1
            )
        ) AS last
    WHERE %(starts_at)s::timestamptz IS NULL OR %(ends_at)s::timestamptz IS NULL
),
edge AS (
    -- The counts are by UTC day. In another offset, tickets of the first or last UTC day decide.
    SELECT min(created_at) AS first_at, max(created_at) AS last_at
    FROM (
        SELECT CASE WHEN %(starts_at)s::timestamptz IS NULL THEN first ELSE last END AS day FROM days
    ) counted_day
    JOIN tickets_ticket
        ON created_at >= counted_day.day::timestamp AT TIME ZONE 'UTC'
        AND created_at < (counted_day.day + 1)::timestamp AT TIME ZONE 'UTC'
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
    SELECT type, tickets::bigint AS tickets FROM sums WHERE type IS NOT NULL
),
creators AS (
    -- Those who may have created some of the tickets, and whether their last day already says that they have.
    SELECT
        user_id,
        coalesce(
            bool_or(
                %(has_days)s::boolean
                AND day >= (SELECT day FROM whole)
                AND day < (SELECT until FROM whole)
                AND (
                    %(viewer_id)s::bigint IS NULL AND project_id IS NOT NULL
                    OR project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
                )
                AND coalesce(%(status)s::text, %(priority)s::text, %(type)s::text) IS NULL
            ),
            FALSE
        ) AS is_found
    FROM analytics_lastday
    WHERE day >= (coalesce(%(starts_at)s::timestamptz, '-infinity') AT TIME ZONE 'UTC')::date
        -- Skip the lookups if no ticket matches.
        AND EXISTS (SELECT FROM sums)
    GROUP BY user_id
),
span AS MATERIALIZED (
    -- Whether reading the tickets of the span takes less time than looking up all creators: if their months have fewer
    -- than twelve for each creator. Otherwise, or if the last days say enough, the creators that are left are looked up.
    SELECT CASE
        WHEN coalesce(%(ends_at)s::timestamptz, 'infinity') > now()
                AND coalesce(%(status)s::text, %(priority)s::text, %(type)s::text) IS NULL THEN
            FALSE
        ELSE (
            SELECT coalesce(sum(tickets), 0)
            FROM analytics_monthlycount
            WHERE month >= date_trunc('month', coalesce(%(starts_at)s::timestamptz, '-infinity') AT TIME ZONE 'UTC')
                AND month < coalesce(%(ends_at)s::timestamptz, 'infinity') AT TIME ZONE 'UTC'
        ) < 12 * (SELECT count(*) FROM analytics_lastday)
    END AS is_short
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
    (
        SELECT coalesce((first_at AT TIME ZONE 'UTC' + %(utc_offset)s::interval)::date, days.first) FROM edge, days
    ) AS first_day,
    (
        SELECT coalesce((last_at AT TIME ZONE 'UTC' + %(utc_offset)s::interval)::date, days.last) FROM edge, days
    ) AS last_day,
    COALESCE(sum(spent), 0) AS spent,
    (
        SELECT count(*)
        FROM creators
        WHERE user_id NOT IN (SELECT id FROM accounts_user WHERE accounts_user.type <> 'customer')
            AND (
                is_found
                OR user_id IN (SELECT created_by_id FROM single WHERE is_restricted OR %(venue)s::text IS NOT NULL)
                OR %(venue)s::text IS NULL AND CASE
                    WHEN (SELECT is_short FROM span) THEN
                        user_id IN (
                            SELECT created_by_id
                            FROM tickets_ticket
                            WHERE created_at >= coalesce(%(starts_at)s::timestamptz, '-infinity')
                                AND created_at < coalesce(%(ends_at)s::timestamptz, 'infinity')
                                AND
\ir parts/matching.sql
                        )
                    -- One index lookup per customer, which stops at the first match.
                    ELSE coalesce(
                        (
                            SELECT TRUE
                            FROM tickets_ticket
                            WHERE created_by_id = creators.user_id
                                AND created_at >= coalesce(%(starts_at)s::timestamptz, '-infinity')
                                AND created_at < coalesce(%(ends_at)s::timestamptz, 'infinity')
                                AND
\ir parts/matching.sql
                            LIMIT 1
                        ),
                        FALSE
                    )
                END
            )
    ) AS customers
FROM sums
WHERE type IS NULL
