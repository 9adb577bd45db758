-- A booking, in one statement whose plan PostgreSQL keeps: how long the inventory is held limits a hot event.
CREATE OR REPLACE FUNCTION events_book(
    wanted_event bigint,
    wanted int,
    joins text,
    holder bigint,
    first_name text,
    last_name text,
    email text,
    made_by text,
    made_at timestamptz,
    OUT id bigint,
    OUT status text,
    OUT queue_number bigint,
    OUT ahead int,
    OUT unit_price numeric
) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    place record;
    rule text;
BEGIN
    -- What the unlocked reading shows to be hopeless is not waited for. Where the row was changed while this waited for
    -- its lock, PostgreSQL asks every condition on it once more, of what it has become.
    SELECT
        event.price,
        inventory.waiting,
        inventory.last_queue_number,
        inventory.waiting = 0 AND inventory.capacity - inventory.withheld - inventory.confirmed >= wanted AS fits
    INTO place
    FROM events_event AS event
    JOIN events_inventory AS inventory ON inventory.event_id = event.id
    WHERE event.id = wanted_event
        AND event.status = 'published'
        AND (event.bookings_close_at IS NULL OR event.bookings_close_at > made_at)
        AND wanted <= coalesce(event.max_per_booking, wanted)
        AND wanted <= inventory.capacity - inventory.withheld
        AND (
            joins = 'always'
            OR inventory.waiting = 0 AND inventory.capacity - inventory.withheld - inventory.confirmed >= wanted
            OR joins = 'when-sold-out'
                AND (inventory.waiting > 0 OR inventory.capacity - inventory.withheld = inventory.confirmed)
        )
        AND NOT EXISTS (
            SELECT FROM events_booking AS other
            WHERE other.event_id = wanted_event AND other.user_id = holder AND NOT other.status = 'cancelled'
        )
    FOR NO KEY UPDATE OF inventory;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- The triggers move the inventory, write the ledger and the mails.
    INSERT INTO events_booking AS booking (
        event_id, user_id, guest_first_name, guest_last_name, guest_email,
        quantity, status, queue_number, unit_price, origin, created_at
    )
    VALUES (
        wanted_event, holder, first_name, last_name, email,
        wanted, CASE WHEN place.fits THEN 'confirmed' ELSE 'waiting' END,
        CASE WHEN NOT place.fits THEN place.last_queue_number + 1 END, place.price, made_by, made_at
    )
    RETURNING
        booking.id,
        booking.status::text,
        booking.queue_number,
        CASE WHEN NOT place.fits THEN place.waiting END,
        booking.unit_price
    INTO id, status, queue_number, ahead, unit_price;
    RETURN NEXT;
EXCEPTION WHEN unique_violation OR check_violation THEN
    GET STACKED DIAGNOSTICS rule = CONSTRAINT_NAME;
    -- Overtaken while it waited for the lock: a second booking of the user, an event that is published no more.
    IF rule NOT IN ('booking_once', 'booking_of_published_event') THEN
        RAISE;
    END IF;
END $$;
