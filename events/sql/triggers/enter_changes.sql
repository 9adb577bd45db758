-- Update the inventory and the ledger for changed bookings, and give freed seats to the waiting list.
-- AFTER UPDATE ON events_booking, FOR EACH STATEMENT.
DECLARE
    freed bigint[];
    promoted bigint[];
    last_numbers bigint[];
    by_hand boolean := coalesce(current_setting('ticketing.promoted_by_hand', true), '') = 'on';
BEGIN
    WITH changes AS (
        SELECT
            after.event_id,
            sum(after.seats - before.seats) AS seats,
            count(*) FILTER (WHERE after.status = 'waiting')
                - count(*) FILTER (WHERE before.status = 'waiting') AS waiting,
            bool_or(after.cancelled > before.cancelled) AS has_freed,
            max(after.queue_number) FILTER (
                WHERE before.status = 'waiting' AND after.status = 'confirmed'
            ) AS last_promoted
        FROM after JOIN before USING (id)
        GROUP BY after.event_id
    ), updated AS (
        UPDATE events_inventory AS inventory
        SET confirmed = inventory.confirmed + changes.seats, waiting = inventory.waiting + changes.waiting
        FROM changes
        WHERE inventory.event_id = changes.event_id AND (changes.seats <> 0 OR changes.waiting <> 0)
    )
    SELECT
        array_agg(event_id) FILTER (WHERE has_freed),
        array_agg(event_id) FILTER (WHERE last_promoted IS NOT NULL),
        array_agg(last_promoted) FILTER (WHERE last_promoted IS NOT NULL)
        INTO freed, promoted, last_numbers
        FROM changes;
    IF promoted IS NOT NULL AND NOT by_hand AND EXISTS (
        SELECT FROM unnest(promoted, last_numbers) AS last_promoted (event_id, queue_number)
        WHERE (SELECT head.queue_number FROM events_queue(last_promoted.event_id) AS head LIMIT 1)
            < last_promoted.queue_number
    ) THEN
        RAISE EXCEPTION 'a waiting booking cannot be promoted before those ahead of it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';
    END IF;
    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)
    SELECT
        after.event_id,
        after.id,
        CASE WHEN after.status = before.status OR after.status = 'cancelled' THEN 'cancelled'
            WHEN by_hand THEN 'by-hand'
            ELSE 'promoted' END,
        CASE WHEN after.status = before.status OR after.status = 'cancelled'
            THEN after.cancelled - before.cancelled ELSE after.seats END,
        after.seats - before.seats,
        (after.status = 'waiting')::int - (before.status = 'waiting')::int,
        (after.seats - before.seats) * after.unit_price
    FROM after JOIN before USING (id)
    WHERE (after.status, after.cancelled) IS DISTINCT FROM (before.status, before.cancelled)
    ORDER BY after.queue_number, after.id;
    PERFORM events_promote(event_id) FROM unnest(freed) AS event_id;
    RETURN NULL;
END;
