-- The newest bookings of a user before one of them.
-- params   user_id    bigint
--          before_id  bigint   only bookings with a smaller id
--          row_limit  int      maximum number of rows, up to 1,000
-- returns  the columns of parts/booking_shown.sql
-- index    booking_user, booking_queue, events_event_pkey
SELECT
\ir parts/booking_shown.sql
FROM (
    WITH asked AS MATERIALIZED (
        SELECT *
        FROM (
            -- PostgreSQL plans for this limit, as it does not know the other one. It stops at that one.
            SELECT *
            FROM events_booking
            WHERE user_id = %(user_id)s::bigint AND id < %(before_id)s::bigint
            ORDER BY id DESC
            LIMIT 1000
        ) AS next
        ORDER BY id DESC
        LIMIT %(row_limit)s::int
    ),
\ir parts/with_position.sql
) AS booking
ORDER BY booking.id DESC;
