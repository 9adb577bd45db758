-- Book seats at an event, or a place in its queue, in one round trip: how long the inventory is held is what limits a
-- hot event. Triggers move the inventory, write the ledger and have the mail sent, all in this statement.
--
-- What the unlocked reading shows to be hopeless is not waited for. Where the row was changed while this waited for its
-- lock, PostgreSQL asks every condition on it once more, of what it has become. The event stays as it was when this
-- began, price included; only that it was cancelled or became a draft meanwhile is found out, by the trigger.
-- params   event_id    bigint
--          quantity    int, seats
--          joins       text            who may wait: 'always', 'never', 'when-sold-out' (or somebody waits already)
--          user_id     bigint | null   null: a guest
--          guest_first_name, guest_last_name, guest_email   text
--          origin      text
--          at          timestamptz     now
-- returns  id bigint; status text; queue_number bigint, ahead int: of who waits, else null; unit_price numeric.
--          No row: not now, not so many, or not again; a second live booking of a user may also end in the violation of
--          booking_once, an event that is published no more in that of booking_of_published_event
-- index    events_event_pkey, events_inventory_pkey, booking_once
WITH place AS (
    SELECT
        event.id AS event_id,
        event.price,
        inventory.waiting,
        inventory.last_queue_number,
        inventory.waiting = 0 AND inventory.capacity - inventory.withheld - inventory.confirmed >= %(quantity)s AS fits
    FROM events_event AS event
    JOIN events_inventory AS inventory ON inventory.event_id = event.id
    WHERE event.id = %(event_id)s
        AND event.status = 'published'
        AND (event.bookings_close_at IS NULL OR event.bookings_close_at > %(at)s)
        AND %(quantity)s <= coalesce(event.max_per_booking, %(quantity)s)
        AND %(quantity)s <= inventory.capacity - inventory.withheld
        AND (
            %(joins)s = 'always'
            OR inventory.waiting = 0 AND inventory.capacity - inventory.withheld - inventory.confirmed >= %(quantity)s
            OR %(joins)s = 'when-sold-out'
                AND (inventory.waiting > 0 OR inventory.capacity - inventory.withheld = inventory.confirmed)
        )
        AND NOT EXISTS (
            SELECT FROM events_booking AS other
            WHERE other.event_id = %(event_id)s AND other.user_id = %(user_id)s AND NOT other.status = 'cancelled'
        )
    FOR NO KEY UPDATE OF inventory
), booked AS (
    INSERT INTO events_booking (
        event_id, user_id, guest_first_name, guest_last_name, guest_email,
        quantity, status, queue_number, unit_price, origin, created_at
    )
    SELECT
        event_id, %(user_id)s, %(guest_first_name)s, %(guest_last_name)s, %(guest_email)s,
        %(quantity)s, CASE WHEN fits THEN 'confirmed' ELSE 'waiting' END,
        CASE WHEN NOT fits THEN last_queue_number + 1 END, price, %(origin)s, %(at)s
    FROM place
    RETURNING id, status, queue_number, unit_price
)
SELECT
    booked.id,
    booked.status,
    booked.queue_number,
    CASE WHEN NOT place.fits THEN place.waiting END AS ahead,
    booked.unit_price
FROM booked, place;
