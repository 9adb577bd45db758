-- Refuse another currency for an event that was ever booked: the amounts in its ledger are in the present one.
-- BEFORE UPDATE ON events_event, FOR EACH ROW (condition: models/event.py).
BEGIN
    PERFORM FROM events_inventory WHERE event_id = NEW.id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM events_booking WHERE event_id = NEW.id) THEN
        RAISE EXCEPTION 'the currency of an event with bookings cannot change'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'event_currency_stays';
    END IF;
    RETURN NEW;
END;
