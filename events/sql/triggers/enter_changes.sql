-- AFTER UPDATE ON events_booking, FOR EACH STATEMENT.
DECLARE
    freed bigint[];
    promoted bigint[];
    last_numbers bigint[];
BEGIN
    WITH moves AS (
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
    ), moved AS (
        UPDATE events_inventory AS inventory
        SET confirmed = inventory.confirmed + moves.seats, waiting = inventory.waiting + moves.waiting
        FROM moves
        WHERE inventory.event_id = moves.event_id AND (moves.seats <> 0 OR moves.waiting <> 0)
    )
    SELECT
        array_agg(event_id) FILTER (WHERE has_freed),
        array_agg(event_id) FILTER (WHERE last_promoted IS NOT NULL),
        array_agg(last_promoted) FILTER (WHERE last_promoted IS NOT NULL)
        INTO freed, promoted, last_numbers
        FROM moves;
    IF promoted IS NOT NULL AND EXISTS (
        SELECT FROM unnest(promoted, last_numbers) AS last_one (event_id, queue_number)
        JOIN events_booking AS passed
            ON passed.event_id = last_one.event_id
            AND passed.status = 'waiting'
            AND passed.queue_number < last_one.queue_number
    ) THEN
        RAISE EXCEPTION 'nobody who waits is passed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_passes_nobody';
    END IF;
    INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)
    SELECT
        after.event_id,
        after.id,
        CASE WHEN after.status = before.status OR after.status = 'cancelled' THEN 'cancelled'
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
