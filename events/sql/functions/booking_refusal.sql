-- Return the code of the first rule that refuses a booking, or null if none does. These are all the rules of booking,
-- in the order in which they are checked. Only the limit on a guest's bookings is checked in events_book, which counts
-- them with the inventory locked.
--
-- held_status is the status of the live booking that the same user already has for this event, or null.
-- Immutable and a single expression, so that PostgreSQL inlines it into the queries that use it.
CREATE OR REPLACE FUNCTION events_booking_refusal(
    event events_event,
    inventory events_inventory,
    held_status text,
    wanted int,
    joins text,
    is_admin boolean,
    made_at timestamptz
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN event.deleted_at IS NOT NULL OR event.status = 'draft' AND NOT is_admin THEN 'event_not_found'
        WHEN event.status = 'cancelled' THEN 'event_cancelled'
        WHEN event.status = 'draft' THEN 'event_not_published'
        WHEN NOT events_bookings_open(event, made_at) THEN 'bookings_closed'
        -- Withheld seats may be released later, so it can wait for them.
        WHEN wanted > inventory.capacity THEN 'more_than_capacity'
        WHEN wanted > event.max_per_booking THEN 'too_many_at_once'
        WHEN held_status = 'waiting' THEN 'already_waiting'
        WHEN held_status IS NOT NULL THEN 'already_booked'
        WHEN events_booking_fits(inventory, wanted) OR joins = 'always' THEN NULL
        WHEN joins = 'when-sold-out'
            AND (inventory.waiting > 0 OR inventory.capacity - inventory.withheld = inventory.confirmed) THEN NULL
        ELSE 'not_enough_left'
    END
$$;
