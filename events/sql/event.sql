-- One event, if the viewer may see it.
-- params   event_id   bigint
--          is_admin   boolean   the viewer may see drafts
-- returns  at most one row: the columns of parts/event_shown.sql; "updatedAt" text
-- index    events_event_pkey, events_inventory_pkey
SELECT
\ir parts/event_shown.sql
    , kit_utc_text(event.updated_at) AS "updatedAt"
FROM events_event AS event
JOIN events_inventory AS inventory ON inventory.event_id = event.id
WHERE event.id = %(event_id)s::bigint
AND
\ir parts/event_visible.sql
;
