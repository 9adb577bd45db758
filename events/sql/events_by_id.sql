-- Those of some events that the viewer may see.
-- params   ids       bigint[]
--          is_admin  boolean    the viewer may see drafts
-- returns  the columns of parts/event_shown.sql
-- index    events_event_pkey, events_inventory_pkey
SELECT
\ir parts/event_shown.sql
FROM events_event AS event
JOIN events_inventory AS inventory ON inventory.event_id = event.id
WHERE event.id = ANY(%(ids)s::bigint[])
AND
\ir parts/event_visible.sql
