-- Who is next: the longest part of an event's queue, from its head, for which there is room. Called by the triggers.
-- Nobody is passed over for wanting many seats. Holds the event's inventory, as most callers do already.
CREATE OR REPLACE FUNCTION events_promote(promoted_event bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    room bigint;
    head record;
    next_ones bigint[];
BEGIN
    SELECT inventory.capacity - inventory.withheld - inventory.confirmed INTO room
        FROM events_inventory AS inventory
        JOIN events_event AS event ON event.id = inventory.event_id
        WHERE inventory.event_id = promoted_event AND inventory.waiting > 0 AND event.status = 'published'
        FOR NO KEY UPDATE OF inventory;
    IF room IS NULL OR room = 0 THEN
        RETURN;
    END IF;
    FOR head IN
        SELECT id, quantity - cancelled AS wished FROM events_booking
        WHERE event_id = promoted_event AND status = 'waiting'
        ORDER BY queue_number
    LOOP
        EXIT WHEN head.wished > room;
        room := room - head.wished;
        next_ones := next_ones || head.id;
    END LOOP;
    IF next_ones IS NOT NULL THEN
        -- Whoever was cancelled meanwhile, past the inventory's lock, stays cancelled.
        UPDATE events_booking SET status = 'confirmed' WHERE id = ANY(next_ones) AND status = 'waiting';
    END IF;
END $$;
