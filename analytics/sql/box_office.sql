-- What did the box office sell in a span: in total, by day, and for a page of the events with any movement?
-- The numbers held and waiting at the end of a day are the present ones in the inventories minus all later movements in
-- the ledger, so only the ledger from the start of the span on is read.
-- "For sale" is Inventory.for_sale in SQL: capacity minus withheld seats.
-- params   starts_at, ends_at          timestamptz     the span: starts_at <= at < ends_at
--          utc_offset                  interval        days are counted in this offset
--          first_day, last_day         date            the first and last day of the span
--          event_id                    bigint | null   null: all events
--          before_id                   bigint | null   the page continues after this event; null: from the newest event
--          page_size                   int             maximum number of events on the page
-- returns  held, waiting               bigint          seats held and bookings waiting at the end of the span
--          days                        date[]          every day of the span, in order; and one element for each:
--          days_sold, days_cancelled   bigint[]        seats sold, seats returned
--          days_held, days_waiting     bigint[]        seats held and bookings waiting at the end of the day
--          money_days                  date[]          days with money moved, by day and currency; null: none; and one
--                                                      element for each:
--          money_currencies            text[]          amounts of different currencies are never added up
--          money_revenue, money_refunded numeric[]     money: net of refunds, and the refunds
--          event_ids                   bigint[]        the page, newest first; null: no events; one element for each:
--          event_names text[], event_starts timestamptz[], event_capacities int[] (seats), event_for_sale int[] (seats),
--          event_sold, event_cancelled bigint[] (seats), event_revenue, event_refunded numeric[] (money in event_currencies
--          text[]),
--          event_held (seats), event_waiting (bookings) bigint[], the last two at the end of the span
-- index    booking_entry_at; booking_entry_event for a single event
WITH moves AS MATERIALIZED (
    SELECT
        event_id,
        CASE WHEN at < %(ends_at)s::timestamptz THEN
            -- If the bounds have different offsets, some hours would be outside.
            least(greatest((at AT TIME ZONE 'UTC' + %(utc_offset)s::interval)::date, %(first_day)s), %(last_day)s)
        END AS day,
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
        coalesce(sum(moves.held), 0) AS held,
        coalesce(sum(moves.waiting), 0) AS waiting
    FROM generate_series(%(first_day)s::date, %(last_day)s::date, interval '1 day') AS dates (day)
    LEFT JOIN moves ON moves.day = dates.day::date
    GROUP BY 1
), later AS (
    SELECT coalesce(sum(held), 0) AS held, coalesce(sum(waiting), 0) AS waiting FROM moves WHERE day IS NULL
), days AS (
    SELECT
        calendar.day, calendar.sold, calendar.cancelled,
        present.held - later.held
            - coalesce(sum(calendar.held) OVER following, 0) AS held,
        present.waiting - later.waiting
            - coalesce(sum(calendar.waiting) OVER following, 0) AS waiting
    FROM calendar, present, later
    WINDOW following AS (ORDER BY calendar.day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), money AS (
    SELECT moves.day, event.currency, sum(moves.revenue) AS revenue, sum(moves.refunded) AS refunded
    FROM moves JOIN events_event AS event ON event.id = moves.event_id
    WHERE moves.day IS NOT NULL AND (moves.revenue <> 0 OR moves.refunded <> 0)
    GROUP BY moves.day, event.currency
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
        event.id, event.name, event.starts_at, event.currency, inventory.capacity,
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
        array_agg(held::bigint ORDER BY day) AS days_held,
        array_agg(waiting::bigint ORDER BY day) AS days_waiting
    FROM days
), moneys AS (
    SELECT
        array_agg(day ORDER BY day, currency) AS money_days,
        array_agg(currency ORDER BY day, currency) AS money_currencies,
        array_agg(revenue ORDER BY day, currency) AS money_revenue,
        array_agg(refunded ORDER BY day, currency) AS money_refunded
    FROM money
), page AS (
    SELECT
        array_agg(id ORDER BY id DESC) AS event_ids,
        array_agg(name ORDER BY id DESC) AS event_names,
        array_agg(starts_at ORDER BY id DESC) AS event_starts,
        array_agg(capacity ORDER BY id DESC) AS event_capacities,
        array_agg(for_sale ORDER BY id DESC) AS event_for_sale,
        array_agg(sold::bigint ORDER BY id DESC) AS event_sold,
        array_agg(cancelled::bigint ORDER BY id DESC) AS event_cancelled,
        array_agg(currency ORDER BY id DESC) AS event_currencies,
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
    moneys.*,
    page.*
FROM present, later, figures, moneys, page;
