-- Refuse to set the seat counts by hand.
-- BEFORE UPDATE OF confirmed, waiting, last_queue_number ON events_inventory, FOR EACH ROW, unless events_book makes the
-- update (condition: models/inventory.py).
BEGIN
    -- At depth 2, another trigger makes it.
    IF pg_trigger_depth() = 1
        AND (NEW.confirmed, NEW.waiting, NEW.last_queue_number)
            IS DISTINCT FROM (OLD.confirmed, OLD.waiting, OLD.last_queue_number) THEN
        RAISE EXCEPTION 'seat counts are maintained by the triggers on bookings'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';
    END IF;
    RETURN NEW;
END;
