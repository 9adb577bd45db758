-- BEFORE INSERT ON events_inventory, FOR EACH ROW (condition: models.py).
BEGIN
    RAISE EXCEPTION 'what is sold and who waits follows from the bookings'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';
END;
