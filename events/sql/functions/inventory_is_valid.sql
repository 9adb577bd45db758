-- Return whether the seats of an event fit its capacity, so that nothing is oversold. Called by the constraint
-- inventory_seats_fit (see kit/db/checks.py), so it may only read the row. A change does not check existing rows.
CREATE OR REPLACE FUNCTION events_inventory_is_valid(inventory events_inventory)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    broken text := CASE
        WHEN inventory.capacity NOT BETWEEN 1 AND 1000000 THEN 'inventory_capacity'
        WHEN inventory.confirmed < 0 OR inventory.withheld < 0 THEN 'inventory_seats_fit'
        WHEN inventory.confirmed + inventory.withheld > inventory.capacity THEN 'inventory_seats_fit'
        WHEN inventory.waiting < 0 THEN 'inventory_waiting'
    END;
BEGIN
    IF broken IS NULL THEN
        RETURN true;
    END IF;
    RAISE EXCEPTION 'new row for relation "events_inventory" violates check constraint "%"', broken
        USING ERRCODE = 'check_violation', TABLE = 'events_inventory', CONSTRAINT = broken;
END $$;
