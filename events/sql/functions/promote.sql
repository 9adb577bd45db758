-- Confirm as many bookings from the head of an event's waiting list as fit. Called by triggers.
-- A booking that does not fit stops the promotion: nobody is skipped for wanting many seats. Once bookings have closed
-- or the event has started, nobody is promoted; only events_promote_by_hand still does.
-- Locks the inventory, which most callers have locked already.
CREATE OR REPLACE FUNCTION events_promote(promoted_event bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    room bigint;
    head record;
    promoted_ids bigint[];
BEGIN
    SELECT inventory.capacity - inventory.withheld - inventory.confirmed INTO room
        FROM events_inventory AS inventory
        JOIN events_event AS event ON event.id = inventory.event_id
        WHERE inventory.event_id = promoted_event AND inventory.waiting > 0
            AND events_promotes(event, clock_timestamp())
        FOR NO KEY UPDATE OF inventory;
    IF room IS NULL OR room = 0 THEN
        RETURN;
    END IF;
    FOR head IN SELECT id, quantity - cancelled AS wanted FROM events_queue(promoted_event) LOOP
        EXIT WHEN head.wanted > room;
        room := room - head.wanted;
        promoted_ids := promoted_ids || head.id;
    END LOOP;
    IF promoted_ids IS NOT NULL THEN
        -- psql may have cancelled one of them without locking the inventory; it stays cancelled.
        UPDATE events_booking SET status = 'confirmed' WHERE id = ANY(promoted_ids) AND status = 'waiting';
    END IF;
END $$;
