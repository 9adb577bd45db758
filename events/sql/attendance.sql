-- How many seats of an event are checked in, and how many are sold, if the viewer may see the event.
-- params   event_id   bigint
--          is_admin   boolean   the viewer may see drafts
-- returns  at most one row: "checkedIn", expected int
-- index    events_event_pkey, events_inventory_pkey, check_in_once
SELECT
    (
        SELECT count(*)::int FROM events_checkin
        WHERE event_id = event.id AND earlier_id IS NULL AND undone_at IS NULL
    ) AS "checkedIn",
    inventory.confirmed AS expected
FROM events_event AS event
JOIN events_inventory AS inventory ON inventory.event_id = event.id
WHERE event.id = %(event_id)s::bigint
AND
\ir parts/event_visible.sql
;
