-- What the box office sold in a span: by day, and by event for a page of those with any movement in it.
-- What is held and who waits at the end of a day is the inventories' present less what the ledger says of later, so only
-- the ledger from the span's start on is read.
-- params   starts_at, ends_at  timestamptz     the span: starts_at <= at < ends_at
--          event_id    bigint | null           null: all events
--          before_id   bigint | null           the page's events are older than this one
--          page_size   int                     how many at most
-- returns  held, waiting  bigint               seats, bookings; at the end of the span
--          days date[] (the UTC days of the span, all of them), and as long, of each:
--              days_sold, days_cancelled bigint[] (seats), days_revenue, days_refunded numeric[] (of the revenue, taken
--              back already), days_held bigint[] (seats), days_waiting bigint[] (bookings); the latter two at its end
--          event_ids bigint[] (newest first; null: none), and as long, of each: event_names text[],
--              event_starts timestamptz[], event_capacities, event_for_sale int[], event_sold, event_cancelled bigint[],
--              event_revenue, event_refunded numeric[], event_held, event_waiting bigint[] (at the end of the span)
-- index    booking_entry_at; for one event booking_entry_event
WITH moves AS MATERIALIZED (
    SELECT
        event_id,
        CASE WHEN at < %(ends_at)s::timestamptz THEN (at AT TIME ZONE 'UTC')::date END AS day,
        coalesce(sum(seats) FILTER (WHERE seats > 0), 0) AS sold,
        coalesce(-sum(seats) FILTER (WHERE seats < 0), 0) AS cancelled,
        sum(amount) AS revenue,
        coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS refunded,
        sum(seats) AS held,
        sum(waiting) AS waiting
    FROM events_bookingentry
    WHERE at >= %(starts_at)s::timestamptz AND (%(event_id)s::bigint IS NULL OR event_id = %(event_id)s)
    GROUP BY 1, 2
), present AS (
    SELECT coalesce(sum(confirmed), 0) AS held, coalesce(sum(waiting), 0) AS waiting
    FROM events_inventory
    WHERE %(event_id)s::bigint IS NULL OR event_id = %(event_id)s
), calendar AS (
    SELECT
        dates.day::date AS day,
        coalesce(sum(moves.sold), 0) AS sold,
        coalesce(sum(moves.cancelled), 0) AS cancelled,
        coalesce(sum(moves.revenue), 0) AS revenue,
        coalesce(sum(moves.refunded), 0) AS refunded,
        coalesce(sum(moves.held), 0) AS held,
        coalesce(sum(moves.waiting), 0) AS waiting
    FROM generate_series(
        (%(starts_at)s::timestamptz AT TIME ZONE 'UTC')::date,
        ((%(ends_at)s::timestamptz - interval '1 millisecond') AT TIME ZONE 'UTC')::date,
        interval '1 day'
    ) AS dates (day)
    LEFT JOIN moves ON moves.day = dates.day::date
    GROUP BY 1
), later AS (
    SELECT coalesce(sum(held), 0) AS held, coalesce(sum(waiting), 0) AS waiting FROM moves WHERE day IS NULL
), days AS (
    SELECT
        calendar.day, calendar.sold, calendar.cancelled, calendar.revenue, calendar.refunded,
        present.held - later.held
            - coalesce(sum(calendar.held) OVER following, 0) AS held,
        present.waiting - later.waiting
            - coalesce(sum(calendar.waiting) OVER following, 0) AS waiting
    FROM calendar, present, later
    WINDOW following AS (ORDER BY calendar.day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), moved AS (
    SELECT
        event_id,
        coalesce(sum(sold) FILTER (WHERE day IS NOT NULL), 0) AS sold,
        coalesce(sum(cancelled) FILTER (WHERE day IS NOT NULL), 0) AS cancelled,
        coalesce(sum(revenue) FILTER (WHERE day IS NOT NULL), 0) AS revenue,
        coalesce(sum(refunded) FILTER (WHERE day IS NOT NULL), 0) AS refunded,
        coalesce(sum(held) FILTER (WHERE day IS NULL), 0) AS held_later,
        coalesce(sum(waiting) FILTER (WHERE day IS NULL), 0) AS waiting_later
    FROM moves
    GROUP BY event_id
    HAVING bool_or(day IS NOT NULL)
), events AS (
    SELECT
        event.id, event.name, event.starts_at, inventory.capacity,
        inventory.capacity - inventory.withheld AS for_sale,
        moved.sold, moved.cancelled, moved.revenue, moved.refunded,
        inventory.confirmed - moved.held_later AS held,
        inventory.waiting - moved.waiting_later AS waiting
    FROM moved
    JOIN events_event AS event ON event.id = moved.event_id
    JOIN events_inventory AS inventory ON inventory.event_id = event.id
    WHERE %(before_id)s::bigint IS NULL OR event.id < %(before_id)s
    ORDER BY event.id DESC
    LIMIT %(page_size)s
), figures AS (
    SELECT
        array_agg(day ORDER BY day) AS days,
        array_agg(sold::bigint ORDER BY day) AS days_sold,
        array_agg(cancelled::bigint ORDER BY day) AS days_cancelled,
        array_agg(revenue ORDER BY day) AS days_revenue,
        array_agg(refunded ORDER BY day) AS days_refunded,
        array_agg(held::bigint ORDER BY day) AS days_held,
        array_agg(waiting::bigint ORDER BY day) AS days_waiting
    FROM days
), page AS (
    SELECT
        array_agg(id ORDER BY id DESC) AS event_ids,
        array_agg(name ORDER BY id DESC) AS event_names,
        array_agg(starts_at ORDER BY id DESC) AS event_starts,
        array_agg(capacity ORDER BY id DESC) AS event_capacities,
        array_agg(for_sale ORDER BY id DESC) AS event_for_sale,
        array_agg(sold::bigint ORDER BY id DESC) AS event_sold,
        array_agg(cancelled::bigint ORDER BY id DESC) AS event_cancelled,
        array_agg(revenue ORDER BY id DESC) AS event_revenue,
        array_agg(refunded ORDER BY id DESC) AS event_refunded,
        array_agg(held::bigint ORDER BY id DESC) AS event_held,
        array_agg(waiting::bigint ORDER BY id DESC) AS event_waiting
    FROM events
)
SELECT
    (present.held - later.held)::bigint AS held,
    (present.waiting - later.waiting)::bigint AS waiting,
    figures.*,
    page.*
FROM present, later, figures, page;
