-- AFTER UPDATE OF is_active ON accounts_user, FOR EACH ROW, when a user is deactivated (condition: models/booking.py).
-- Cancel the waiting bookings of people who can no longer sign in, and promote those behind them. Confirmed bookings stay.
-- Like every writer, lock the inventories first.
BEGIN
    PERFORM FROM events_inventory
        WHERE event_id IN (SELECT event_id FROM events_booking WHERE user_id = NEW.id AND status = 'waiting')
        ORDER BY event_id
        FOR NO KEY UPDATE;
    UPDATE events_booking SET status = 'cancelled', cancelled = quantity
        WHERE user_id = NEW.id AND status = 'waiting';
    RETURN NULL;
END;
