-- AFTER UPDATE ON events_event, FOR EACH ROW (condition: models.py).
-- Whoever cancels it, psql included, cancels its bookings; the lock is everybody's first.
BEGIN
    PERFORM FROM events_inventory WHERE event_id = NEW.id FOR NO KEY UPDATE;
    UPDATE events_booking SET status = 'cancelled', cancelled = quantity
        WHERE event_id = NEW.id AND status <> 'cancelled';
    RETURN NULL;
END;
