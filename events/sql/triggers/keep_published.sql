-- BEFORE UPDATE ON events_event, FOR EACH ROW (condition: models.py).
-- Nobody would be promoted in a draft, nor caught up with when it is published again.
BEGIN
    PERFORM FROM events_inventory WHERE event_id = NEW.id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM events_booking WHERE event_id = NEW.id AND status <> 'cancelled') THEN
        RAISE EXCEPTION 'an event with bookings is no draft'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'event_draft_has_no_bookings';
    END IF;
    RETURN NEW;
END;
