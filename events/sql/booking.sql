-- One booking, if it is the viewer's.
-- params   booking_id  bigint
--          user_id     bigint | null   null: the viewer may see every booking, or has proven that this one is theirs
-- returns  at most one row: the columns of parts/booking_shown.sql
-- index    events_booking_pkey, booking_queue, events_event_pkey
SELECT
\ir parts/booking_shown.sql
FROM (
    SELECT
        *,
        CASE WHEN status = 'waiting'
            THEN 1 + (SELECT count(*) FROM events_queue_ahead(event_id, queue_number))
        END AS position
    FROM events_booking
    WHERE id = %(booking_id)s::bigint AND (%(user_id)s::bigint IS NULL OR user_id = %(user_id)s)
) AS booking;
