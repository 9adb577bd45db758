-- AFTER INSERT ON events_bookingentry, FOR EACH ROW.
-- Leaves the mail about a booking that is confirmed at once to the workers (sql/announce_confirmed.sql): this row is
-- much cheaper to write than a delivery, and the event's inventory is locked while it is written.
BEGIN
    IF NEW.kind = 'confirmed' AND current_setting('ticketing.quiet', true) IS DISTINCT FROM 'on' THEN
        INSERT INTO notifications_unannounced (entry_id) VALUES (NEW.id);
    END IF;
    RETURN NULL;
END;
