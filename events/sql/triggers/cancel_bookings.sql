-- AFTER UPDATE ON events_event, FOR EACH ROW (condition: models/event.py).
-- Cancelling an event cancels its bookings, also in psql. Like every writer, lock the inventory first.
BEGIN
    PERFORM FROM events_inventory WHERE event_id = NEW.id FOR NO KEY UPDATE;
    UPDATE events_booking SET status = 'cancelled', cancelled = quantity
        WHERE event_id = NEW.id AND status <> 'cancelled';
    RETURN NULL;
END;
