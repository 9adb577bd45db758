-- Return these bookings, newest first, each with the number of bookings ahead of it on the waiting list, all read in one
-- snapshot. Counts the bookings ahead of each event's first one and numbers the rest from there: for a page of
-- neighbours, that is one index scan however long the waiting list is.
-- params   ids  bigint[]
-- returns  the columns of events_booking; ahead bigint, null unless waiting; currency text, of unit_price
-- index    events_booking_pkey, booking_queue, events_event_pkey
WITH asked AS MATERIALIZED (
    SELECT * FROM events_booking WHERE id = ANY(%(ids)s::bigint[])
), part AS (
    SELECT event_id, min(queue_number) AS first, max(queue_number) AS last
    FROM asked
    WHERE status = 'waiting'
    GROUP BY event_id
), queued AS (
    SELECT part.event_id, numbered.queue_number, front.bookings + numbered.ahead AS ahead
    FROM part
    CROSS JOIN LATERAL (
        SELECT count(*) AS bookings FROM events_queue_ahead(part.event_id, part.first)
    ) AS front
    CROSS JOIN LATERAL (
        -- In the order in which events_queue returns them.
        SELECT waiting.queue_number, row_number() OVER () - 1 AS ahead
        FROM events_queue(part.event_id) AS waiting
        WHERE waiting.queue_number BETWEEN part.first AND part.last
    ) AS numbered
)
SELECT asked.*, queued.ahead, event.currency
FROM asked
JOIN events_event AS event ON event.id = asked.event_id
LEFT JOIN queued
    ON asked.status = 'waiting' AND queued.event_id = asked.event_id AND queued.queue_number = asked.queue_number
ORDER BY asked.id DESC
