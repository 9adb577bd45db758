-- AFTER UPDATE OF cancelled ON events_booking, FOR EACH ROW (condition: models/booking.py).
-- Undo the check-ins of the seats that were cancelled, which are those with the highest numbers.
BEGIN
    UPDATE events_checkin SET undone_at = clock_timestamp()
        WHERE event_id = NEW.event_id AND booking_id = NEW.id AND seat > NEW.quantity - NEW.cancelled
            AND earlier_id IS NULL AND undone_at IS NULL;
    RETURN NULL;
END;
