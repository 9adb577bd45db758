-- BEFORE UPDATE ON events_event, FOR EACH ROW (condition: models/event.py).
-- Nobody is promoted while an event is a draft, and publishing it again would not make up for that.
BEGIN
    PERFORM FROM events_inventory WHERE event_id = NEW.id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM events_booking WHERE event_id = NEW.id AND status <> 'cancelled') THEN
        RAISE EXCEPTION 'an event with bookings cannot become a draft'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'event_draft_has_no_bookings';
    END IF;
    RETURN NEW;
END;
