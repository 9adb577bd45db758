-- Book seats at an event, or a place in its queue, in one round trip: how long the inventory is held is what limits a
-- hot event. Triggers move the inventory, write the ledger and have the mail written, all in this statement. It is a
-- function of the database (migrations/0003), so that its plan is made once a connection and not for every booking.
--
-- The event stays as it was when this began, price included; only that it was cancelled or became a draft meanwhile is
-- found out, by the trigger.
-- params   event_id    bigint
--          quantity    int, seats
--          joins       text            who may wait: 'always', 'never', 'when-sold-out' (or somebody waits already)
--          user_id     bigint | null   null: a guest
--          guest_first_name, guest_last_name, guest_email   text
--          origin      text
--          at          timestamptz     now
-- returns  id bigint; status text; queue_number bigint, ahead int: of who waits, else null; unit_price numeric.
--          No row: not now, not so many, or not again
-- index    events_event_pkey, events_inventory_pkey, booking_once
SELECT id, status, queue_number, ahead, unit_price
FROM events_book(
    %(event_id)s,
    %(quantity)s,
    %(joins)s,
    %(user_id)s,
    %(guest_first_name)s,
    %(guest_last_name)s,
    %(guest_email)s,
    %(origin)s,
    %(at)s
);
