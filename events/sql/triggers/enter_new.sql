-- Update the inventory and the ledger for new bookings, and refuse those that jump the queue, and those that wait in vain:
-- for more seats than there are, or for a deactivated user.
-- AFTER INSERT ON events_booking, FOR EACH STATEMENT, unless events_book enters the booking (condition:
-- models/booking.py).
DECLARE
    has_jumped boolean;
    largest_waiting bigint;
    has_hopeless boolean;
    has_deactivated boolean;
    with_room bigint[];
BEGIN
    WITH added AS (
        SELECT
            event_id,
            sum(seats) AS seats,
            count(*) FILTER (WHERE status = 'waiting') AS waiting,
            min(queue_number) FILTER (WHERE status = 'waiting') AS first_queue_number,
            max(queue_number) AS last_queue_number,
            max(quantity - cancelled) FILTER (WHERE status = 'waiting') AS largest_waiting
        FROM booked
        GROUP BY event_id
    ), updated AS (
        UPDATE events_inventory AS inventory
        SET confirmed = inventory.confirmed + added.seats,
            waiting = inventory.waiting + added.waiting,
            last_queue_number = greatest(inventory.last_queue_number, added.last_queue_number)
        FROM added
        WHERE inventory.event_id = added.event_id
            -- A new booking gets no seats while others wait, and joins the waiting list at its end.
            AND (added.seats = 0 OR inventory.waiting = 0)
            AND (added.waiting = 0 OR added.first_queue_number > inventory.last_queue_number)
        RETURNING
            inventory.event_id,
            added.largest_waiting > inventory.capacity AS is_hopeless,
            added.waiting > 0 AND inventory.capacity - inventory.withheld > inventory.confirmed AS has_room
    )
    SELECT
        count(updated.event_id) < count(*),
        array_agg(added.event_id) FILTER (WHERE updated.has_room),
        max(added.largest_waiting),
        bool_or(updated.is_hopeless)
        INTO has_jumped, with_room, largest_waiting, has_hopeless
        FROM added LEFT JOIN updated USING (event_id);
    IF has_jumped THEN
        RAISE EXCEPTION 'a new booking cannot jump the queue'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';
    END IF;
    IF has_hopeless THEN
        RAISE EXCEPTION 'a waiting booking asks for more seats than there are'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_enough_for_waiting';
    END IF;
    -- The lock makes this wait for a deactivation of the user, or the deactivation wait for this and cancel the booking.
    IF largest_waiting IS NOT NULL THEN
        -- An aggregate, because PostgreSQL would lock only the rows that a condition on them selects.
        SELECT bool_or(NOT is_active) INTO has_deactivated
        FROM (
            SELECT is_active FROM accounts_user
            WHERE id IN (SELECT user_id FROM booked WHERE status = 'waiting')
            ORDER BY id
            FOR SHARE
        ) AS person;
    END IF;
    IF has_deactivated THEN
        RAISE EXCEPTION 'a deactivated user cannot join the waiting list'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_waits_for_active_user';
    END IF;
    -- Checked with the inventory locked, so that the event cannot be cancelled in between.
    IF EXISTS (
        SELECT FROM booked JOIN events_event AS event ON event.id = booked.event_id
        WHERE event.status <> 'published' AND booked.status <> 'cancelled'
    ) THEN
        RAISE EXCEPTION 'this event does not take bookings'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_of_published_event';
    END IF;
    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)
    SELECT
        event_id,
        id,
        CASE status WHEN 'waiting' THEN 'requested' ELSE 'confirmed' END,
        quantity - cancelled,
        seats,
        (status = 'waiting')::int,
        seats * unit_price
    FROM booked
    WHERE status <> 'cancelled'
    -- Confirmed bookings come first: a ledger in which they followed waiting ones would say that they jumped the queue.
    ORDER BY status = 'waiting', queue_number, id;
    PERFORM events_promote(event_id) FROM unnest(with_room) AS event_id;
    RETURN NULL;
END;
