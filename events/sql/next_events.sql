-- The newest events before a position that the viewer may see: the list without filters, in its usual order.
-- params   is_admin     boolean       the viewer may see drafts
--          after        timestamptz   the position to start after, or 'infinity'
--          after_id     bigint
--          row_limit    int           maximum number of rows, up to 1,000
-- returns  the columns of parts/event_shown.sql; place timestamptz: the time that the event is sorted by
-- index    event_created_at, events_inventory_pkey
SELECT
\ir parts/event_shown.sql
    , event.created_at AS place
FROM (
    SELECT *
    FROM events_event AS event
    WHERE (created_at, id) < (%(after)s::timestamptz, %(after_id)s::bigint)
    AND
\ir parts/event_visible.sql
    ORDER BY created_at DESC, id DESC
    -- Which PostgreSQL plans for, as it does not know the other limit. It stops at that one.
    LIMIT 1000
) AS event
JOIN events_inventory AS inventory ON inventory.event_id = event.id
ORDER BY event.created_at DESC, event.id DESC
LIMIT %(row_limit)s::int;
