-- The newest bookings before one of them.
-- params   before_id  bigint   only bookings with a smaller id
--          row_limit  int      maximum number of rows, up to 1,000
-- returns  the columns of parts/booking_shown.sql
-- index    events_booking_pkey, booking_queue, events_event_pkey
SELECT
\ir parts/booking_shown.sql
FROM (
    WITH asked AS MATERIALIZED (
        SELECT *
        FROM (
            -- PostgreSQL plans for this limit, as it does not know the other one. It stops at that one.
            SELECT *
            FROM events_booking
            WHERE id < %(before_id)s::bigint
            ORDER BY id DESC
            LIMIT 1000
        ) AS next
        ORDER BY id DESC
        LIMIT %(row_limit)s::int
    ),
\ir parts/with_position.sql
) AS booking
ORDER BY booking.id DESC;
