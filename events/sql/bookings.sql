-- These bookings, the newest first, and how many wait in front of each that waits: all of one moment.
-- Of each of their queues it counts what stands in front of the first of them, and numbers on from there to the last: for
-- a page of neighbours one look along an index, however many of them wait.
-- params   ids  bigint[]
-- returns  the columns of events_booking; ahead bigint, null unless it waits
-- index    events_booking_pkey, booking_queue
WITH asked AS MATERIALIZED (
    SELECT * FROM events_booking WHERE id = ANY(%(ids)s::bigint[])
), part AS (
    SELECT event_id, min(queue_number) AS first, max(queue_number) AS last
    FROM asked
    WHERE status = 'waiting'
    GROUP BY event_id
), queued AS (
    SELECT
        part.event_id,
        waiting.queue_number,
        front.bookings + row_number() OVER (PARTITION BY part.event_id ORDER BY waiting.queue_number) - 1 AS ahead
    FROM part
    CROSS JOIN LATERAL (
        SELECT count(*) AS bookings
        FROM events_booking AS before
        WHERE before.event_id = part.event_id AND before.status = 'waiting' AND before.queue_number < part.first
    ) AS front
    JOIN events_booking AS waiting
        ON waiting.event_id = part.event_id AND waiting.status = 'waiting'
        AND waiting.queue_number BETWEEN part.first AND part.last
)
SELECT asked.*, queued.ahead
FROM asked
LEFT JOIN queued
    ON asked.status = 'waiting' AND queued.event_id = asked.event_id AND queued.queue_number = asked.queue_number
ORDER BY asked.id DESC
