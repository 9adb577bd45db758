-- The newest bookings of guests that a search is likely to mean, by the guest's name or address. As tickets/likely.
-- params   text       text
--          walk       int   number of bookings to walk past, newest first
--          row_limit  int   maximum number of rows
-- returns  id bigint, first_name text, last_name text, email text, status text, seats int, event text
-- index    events_booking_pkey, booking_guest
WITH
\ir ../../kit/search/sql/parts/typed.sql
near AS MATERIALIZED (
    SELECT id
    FROM (
        SELECT id, guest_words FROM events_booking ORDER BY id DESC LIMIT %(walk)s::int
    ) AS newest
    WHERE guest_words @@ (SELECT beginnings FROM query)
    ORDER BY id DESC
    LIMIT %(row_limit)s::int
),
far AS MATERIALIZED (
    SELECT id
    FROM (
        SELECT id
        FROM events_booking
        WHERE (SELECT count(*) FROM near) < %(row_limit)s
            AND user_id IS NULL
            AND guest_words @@ (SELECT words FROM query)
        LIMIT 5000
    ) AS indexed
    ORDER BY id DESC
    LIMIT %(row_limit)s
)
SELECT
    booking.id,
    booking.guest_first_name AS first_name,
    booking.guest_last_name AS last_name,
    booking.guest_email AS email,
    booking.status,
    booking.quantity - booking.cancelled AS seats,
    event.name AS event
FROM (SELECT id FROM near UNION SELECT id FROM far) AS found
JOIN events_booking AS booking ON booking.id = found.id
JOIN events_event AS event ON event.id = booking.event_id
ORDER BY booking.status = 'cancelled', booking.id DESC
LIMIT %(row_limit)s;
