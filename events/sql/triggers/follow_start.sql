-- Close bookings at the new start of an event whose bookings closed at the old one.
-- BEFORE UPDATE ON events_event, FOR EACH ROW (condition: models/event.py).
BEGIN
    NEW.bookings_close_at := NEW.starts_at;
    RETURN NEW;
END;
