-- AFTER UPDATE ON events_event, FOR EACH ROW (condition: models/event.py).
-- Give the seats freed after bookings closed to the waiting list if they are open again, or the event was postponed.
BEGIN
    PERFORM events_promote(NEW.id);
    RETURN NULL;
END;
