-- AFTER INSERT ON events_bookingentry, FOR EACH ROW (condition: models.py).
-- Leaves the mail about a booking that is confirmed at once to the workers (sql/announce_confirmed.sql): this row is
-- much cheaper to write than a delivery, and the event's inventory is locked while it is written.
BEGIN
    INSERT INTO notifications_unannounced (entry_id) VALUES (NEW.id);
    RETURN NULL;
END;
