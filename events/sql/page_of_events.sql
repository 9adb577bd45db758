-- A page of the newest events that the viewer may see, without their long texts. Reads the events that it skips, too.
-- params   is_admin     boolean   the viewer may see drafts
--          skipped      int       number of newer events
--          row_limit    int       maximum number of rows
-- returns  id bigint; name text; capacity, available int; "createdBy" bigint; "startsAt", "createdAt", "updatedAt" text
-- index    event_created_at, events_inventory_pkey
SELECT
    event.id,
    event.name,
    kit_utc_text(event.starts_at) AS "startsAt",
    inventory.capacity,
    inventory.capacity - inventory.withheld - inventory.confirmed AS available,
    event.created_by_id AS "createdBy",
    kit_utc_text(event.created_at) AS "createdAt",
    kit_utc_text(event.updated_at) AS "updatedAt"
FROM events_event AS event
JOIN events_inventory AS inventory ON inventory.event_id = event.id
WHERE
\ir parts/event_visible.sql
ORDER BY event.created_at DESC, event.id DESC
LIMIT %(row_limit)s::int OFFSET %(skipped)s::int;
