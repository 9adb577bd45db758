-- Give additional seats to the waiting list.
-- AFTER UPDATE OF capacity, withheld ON events_inventory, FOR EACH ROW (condition: models/inventory.py).
BEGIN
    PERFORM events_promote(NEW.event_id);
    RETURN NULL;
END;
