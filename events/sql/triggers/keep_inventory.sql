-- Refuse to delete the inventory of an event that was ever booked.
-- BEFORE DELETE ON events_inventory, FOR EACH ROW.
BEGIN
    IF EXISTS (SELECT FROM events_booking WHERE event_id = OLD.event_id) THEN
        RAISE EXCEPTION 'the inventory of an event with bookings cannot be deleted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'inventory_of_booked_event';
    END IF;
    RETURN OLD;
END;
