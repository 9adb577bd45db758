-- BEFORE DELETE ON events_inventory, FOR EACH ROW.
BEGIN
    IF EXISTS (SELECT FROM events_booking WHERE event_id = OLD.event_id) THEN
        RAISE EXCEPTION 'an event that was booked keeps its inventory'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_of_booked_event';
    END IF;
    RETURN OLD;
END;
