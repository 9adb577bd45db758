-- The tickets of a span that the viewer may see, in order, put together from the first ones of each week.
-- params   those of parts/after.sql
--          first_week, last_week   timestamptz   weeks begin as in tickets.models.weeks
--          viewer_id       bigint | null   null: a member of staff, who sees every ticket
--          row_limit       int             maximum number of rows
--          those of parts/matching.sql and parts/looked_up_once.sql
-- returns  the columns of parts/shown.sql; place text: the value that the ticket is sorted by
-- index    the weekly one of the order
SELECT
\ir parts/shown.sql
\ir parts/place.sql
FROM (
    SELECT ticket.id
    FROM generate_series(%(first_week)s::timestamptz, %(last_week)s::timestamptz, '7 days') AS week
    CROSS JOIN LATERAL (
        SELECT id, created_at, updated_at, due_at, priority, title_key
        FROM tickets_ticket AS ticket
        WHERE date_bin('7 days', created_at, '2000-01-03 00:00+00') = week
        AND
\ir parts/visible.sql
        AND
\ir parts/matching.sql
        AND
\ir parts/looked_up_once.sql
        AND
\ir parts/after.sql
        ORDER BY
\ir parts/in_order.sql
        LIMIT %(row_limit)s::int
    ) AS ticket
\ir parts/first_found.sql
;
