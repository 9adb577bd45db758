-- Bookings with the given ids, newest first.
-- params   ids  bigint[]
-- returns  the columns of parts/booking_shown.sql
-- index    events_booking_pkey, booking_queue, events_event_pkey
SELECT
\ir parts/booking_shown.sql
FROM (
    WITH asked AS MATERIALIZED (
        SELECT * FROM events_booking WHERE id = ANY(%(ids)s::bigint[])
    ),
\ir parts/with_position.sql
) AS booking
ORDER BY booking.id DESC;
