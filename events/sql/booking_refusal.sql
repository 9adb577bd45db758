-- Return the rule that would refuse a booking of so many seats by someone who has none yet, without booking. Only for
-- requests that are invalid anyway; the rules are in functions/booking_refusal.sql.
-- params   event_id  bigint
--          quantity  int          seats
--          at        timestamptz  now
--          is_admin  bool         the caller may see drafts
-- returns  no row if there is no such event; otherwise code text: null if no rule refuses; capacity, max_per_booking,
--          available, waiting int: the numbers for the refusal's message
-- index    events_event_pkey, events_inventory_pkey
SELECT
    events_booking_refusal(
        event, inventory, NULL, %(quantity)s::int, 'always', %(is_admin)s::boolean, %(at)s::timestamptz
    ) AS code,
    inventory.capacity,
    event.max_per_booking,
    inventory.capacity - inventory.withheld - inventory.confirmed AS available,
    inventory.waiting
FROM events_event AS event
JOIN events_inventory AS inventory ON inventory.event_id = event.id
WHERE event.id = %(event_id)s::bigint
