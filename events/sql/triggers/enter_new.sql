-- AFTER INSERT ON events_booking, FOR EACH STATEMENT.
-- These two keep the books: inventory, ledger and queue follow from what the bookings become.
DECLARE
    has_passed boolean;
    roomy bigint[];
BEGIN
    WITH made AS (
        SELECT
            event_id,
            sum(seats) AS seats,
            count(*) FILTER (WHERE status = 'waiting') AS waiting,
            min(queue_number) FILTER (WHERE status = 'waiting') AS first_queue_number,
            max(queue_number) AS last_queue_number
        FROM booked
        GROUP BY event_id
    ), moved AS (
        UPDATE events_inventory AS inventory
        SET confirmed = inventory.confirmed + made.seats,
            waiting = inventory.waiting + made.waiting,
            last_queue_number = greatest(inventory.last_queue_number, made.last_queue_number)
        FROM made
        WHERE inventory.event_id = made.event_id
            -- Who waits already is not passed, neither for seats nor in the queue.
            AND (made.seats = 0 OR inventory.waiting = 0)
            AND (made.waiting = 0 OR made.first_queue_number > inventory.last_queue_number)
        RETURNING
            inventory.event_id,
            made.waiting > 0 AND inventory.capacity - inventory.withheld > inventory.confirmed
                AS has_room
    )
    SELECT
        count(moved.event_id) < count(*),
        array_agg(made.event_id) FILTER (WHERE moved.has_room)
        INTO has_passed, roomy
        FROM made LEFT JOIN moved USING (event_id);
    IF has_passed THEN
        RAISE EXCEPTION 'a newcomer passes nobody who waits'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';
    END IF;
    -- Looked at with the inventory held, so that no cancellation of the event comes in between.
    IF EXISTS (
        SELECT FROM booked JOIN events_event AS event ON event.id = booked.event_id
        WHERE event.status <> 'published' AND booked.status <> 'cancelled'
    ) THEN
        RAISE EXCEPTION 'this event takes no bookings'
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
    -- Of many at once nobody is passed either: those who wait came last.
    ORDER BY status = 'waiting', queue_number, id;
    PERFORM events_promote(event_id) FROM unnest(roomy) AS event_id;
    RETURN NULL;
END;
