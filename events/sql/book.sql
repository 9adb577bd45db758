-- Book seats at an event, or a place on its waiting list, in one round trip. The inventory, the ledger and the mail are
-- written within the same statement. The rules are in functions/booking_refusal.sql.
--
-- The booking is made on the terms, price included, at the start of the statement. It still notices if the event was
-- cancelled or became a draft while the statement waited for the lock.
-- params   event_id    bigint
--          quantity    int             seats
--          joins       text            when to join the waiting list: 'always', 'never' or 'when-sold-out' (see Joins)
--          user_id     bigint | null   null for a guest
--          guest_first_name, guest_last_name, guest_email   text
--          origin      text
--          at          timestamptz     now
--          is_admin    bool            the caller may see drafts
--          max_guest_bookings   int    live bookings that a guest's address can have for the event
--          context     text            who books and through which door, as JSON for history; '' if unknown
-- returns  one row: id bigint; status text; queue_number bigint, ahead int: null unless waiting; unit_price numeric;
--          refusal text: code of the rule that refused, null if booked; capacity, max_per_booking, available, waiting
--          int: the numbers for the refusal's message
-- index    events_event_pkey, events_inventory_pkey, booking_once, booking_guest_address
SELECT id, status, queue_number, ahead, unit_price, refusal, capacity, max_per_booking, available, waiting
FROM events_book(
    %(event_id)s,
    %(quantity)s,
    %(joins)s,
    %(user_id)s,
    %(guest_first_name)s,
    %(guest_last_name)s,
    %(guest_email)s,
    %(origin)s,
    %(at)s,
    %(is_admin)s,
    %(max_guest_bookings)s,
    %(context)s
);
