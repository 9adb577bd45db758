-- BEFORE UPDATE OF confirmed, waiting, last_queue_number ON events_inventory, FOR EACH ROW (condition: models.py).
-- At depth 1 it is the bookings' trigger that moves them.
BEGIN
    RAISE EXCEPTION 'what is sold and who waits follows from the bookings'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';
END;
