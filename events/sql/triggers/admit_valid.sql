-- BEFORE INSERT ON events_checkin, FOR EACH ROW, unless it is a repetition (condition: models/check_in.py).
-- Refuse to check in a seat that the booking does not have. The lock keeps it from being cancelled in the meantime.
BEGIN
    PERFORM FROM events_booking
        WHERE id = NEW.booking_id AND status = 'confirmed' AND NEW.seat <= quantity - cancelled
        FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only seats of a confirmed booking can be checked in'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'check_in_valid';
    END IF;
    RETURN NEW;
END;
