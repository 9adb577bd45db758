-- Divide the events into parts of about the same number of bookings. An event is never divided.
-- params   size                int         bookings per part
-- returns  after_id, until_id  bigint      the part has the events with after_id < id <= until_id; parts are in order and
--                                          leave no gap
--          events, bookings    int         how many it has
-- index    booking_event
WITH event AS (
    SELECT event.id, count(booking.id) AS bookings
    FROM events_event AS event LEFT JOIN events_booking AS booking ON booking.event_id = event.id
    GROUP BY event.id
), numbered AS (
    -- An event without bookings takes some work too, so each event counts as one booking more.
    SELECT id, bookings, (sum(bookings + 1) OVER (ORDER BY id) - bookings - 1) / %(size)s AS ahead FROM event
)
SELECT
    coalesce(lag(max(id)) OVER (ORDER BY max(id)), 0) AS after_id,
    max(id) AS until_id,
    count(*) AS events,
    sum(bookings)::bigint AS bookings
FROM numbered
GROUP BY floor(ahead)
ORDER BY until_id;
