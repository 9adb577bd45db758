-- The bookings of `asked` with their position on the waiting list, all read in one snapshot. Counts the bookings ahead of
-- each event's first one and numbers the rest from there: for a page of neighbours, that is one index scan however long
-- the waiting list is.
part AS (
    SELECT event_id, min(queue_number) AS first, max(queue_number) AS last
    FROM asked
    WHERE status = 'waiting'
    GROUP BY event_id
), queued AS (
    SELECT part.event_id, numbered.queue_number, front.bookings + numbered.position AS position
    FROM part
    CROSS JOIN LATERAL (
        SELECT count(*) AS bookings FROM events_queue_ahead(part.event_id, part.first)
    ) AS front
    CROSS JOIN LATERAL (
        -- In the order in which events_queue returns them.
        SELECT waiting.queue_number, row_number() OVER () AS position
        FROM events_queue(part.event_id) AS waiting
        WHERE waiting.queue_number BETWEEN part.first AND part.last
    ) AS numbered
)
SELECT asked.*, queued.position
FROM asked
LEFT JOIN queued
    ON asked.status = 'waiting' AND queued.event_id = asked.event_id AND queued.queue_number = asked.queue_number
