-- BEFORE UPDATE OF capacity, withheld ON events_inventory, FOR EACH ROW (condition: models/inventory.py).
-- A waiting booking for more seats than are for sale would block everyone behind it forever.
BEGIN
    IF EXISTS (
        SELECT FROM events_in_queue(NEW.event_id) WHERE quantity - cancelled > NEW.capacity - NEW.withheld
    ) THEN
        RAISE EXCEPTION 'a waiting booking asks for more seats than would be for sale'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_enough_for_waiting';
    END IF;
    RETURN NEW;
END;
