-- Which published events start next, how full are they, and how many bookings wait? Deleted events are left out.
-- "For sale" is Inventory.for_sale in SQL: capacity minus withheld seats.
-- params   at                          timestamptz     events that start at this time or later
--          page_size                   int             maximum number of events
-- returns  id bigint, name text, starts_at timestamptz, time_zone text
--          sold, for_sale              int             seats
--          waiting                     int             bookings, not seats
--          in order of their start
-- index    event_starts_at
SELECT
    event.id, event.name, event.starts_at, event.time_zone,
    inventory.confirmed AS sold,
    inventory.capacity - inventory.withheld AS for_sale,
    inventory.waiting
FROM events_event AS event
JOIN events_inventory AS inventory ON inventory.event_id = event.id
WHERE event.status = 'published' AND event.deleted_at IS NULL AND event.starts_at >= %(at)s
ORDER BY event.starts_at, event.id
LIMIT %(page_size)s;
