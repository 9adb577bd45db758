-- These bookings, the newest first, and how many wait in front of each that waits: all of one moment.
-- Counts along each of their queues once, from its head to the last of them, however many of them stand in it.
-- params   ids  bigint[]
-- returns  the columns of events_booking; ahead bigint, null unless it waits
-- index    events_booking_pkey, booking_queue
WITH asked AS MATERIALIZED (
    SELECT * FROM events_booking WHERE id = ANY(%(ids)s::bigint[])
), queued AS (
    SELECT
        waiting.event_id,
        waiting.queue_number,
        row_number() OVER (PARTITION BY waiting.event_id ORDER BY waiting.queue_number) - 1 AS ahead
    FROM (SELECT event_id, max(queue_number) AS last FROM asked WHERE status = 'waiting' GROUP BY event_id) AS queue
    JOIN events_booking AS waiting
        ON waiting.event_id = queue.event_id AND waiting.queue_number <= queue.last AND waiting.status = 'waiting'
)
SELECT asked.*, queued.ahead
FROM asked
LEFT JOIN queued
    ON asked.status = 'waiting' AND queued.event_id = asked.event_id AND queued.queue_number = asked.queue_number
ORDER BY asked.id DESC
