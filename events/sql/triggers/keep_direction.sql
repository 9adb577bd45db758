-- BEFORE UPDATE OF status, cancelled ON events_booking, FOR EACH ROW (condition: models/booking.py).
-- A booking goes from waiting to confirmed to cancelled, never back.
BEGIN
    RAISE EXCEPTION 'a booking cannot return to an earlier status'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_direction';
END;
