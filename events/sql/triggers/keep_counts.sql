-- Refuse to set the seat counts by hand.
-- BEFORE UPDATE OF confirmed, waiting, last_queue_number ON events_inventory, FOR EACH ROW (condition:
-- models/inventory.py, which lets updates through that another trigger makes).
BEGIN
    RAISE EXCEPTION 'seat counts are maintained by the triggers on bookings'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';
END;
