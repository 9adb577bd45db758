-- BEFORE UPDATE OF capacity ON events_inventory, FOR EACH ROW (condition: models/inventory.py).
-- A waiting booking for more seats than there are would block everyone behind it forever. Withheld seats do count: they
-- may be released.
BEGIN
    IF EXISTS (SELECT FROM events_in_queue(NEW.event_id) WHERE quantity - cancelled > NEW.capacity) THEN
        RAISE EXCEPTION 'a waiting booking asks for more seats than there would be'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_enough_for_waiting';
    END IF;
    RETURN NEW;
END;
