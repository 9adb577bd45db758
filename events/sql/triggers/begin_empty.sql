-- Refuse a new inventory whose counts are not zero.
-- BEFORE INSERT ON events_inventory, FOR EACH ROW (condition: models/inventory.py).
BEGIN
    RAISE EXCEPTION 'seat counts are maintained by the triggers on bookings'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_counts';
END;
