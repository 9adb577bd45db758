-- The seats of an event, if the viewer may see it.
-- params   event_id   bigint
--          is_admin   boolean   the viewer may see drafts
-- returns  at most one row with the keys of AvailabilitySerializer
-- index    events_event_pkey, events_inventory_pkey
SELECT
    event.id AS event,
    inventory.capacity,
    inventory.capacity - inventory.withheld - inventory.confirmed AS available,
    inventory.waiting
FROM events_event AS event
JOIN events_inventory AS inventory ON inventory.event_id = event.id
WHERE event.id = %(event_id)s::bigint
AND
\ir parts/event_visible.sql
;
