-- BEFORE UPDATE OF code_revision ON events_booking, FOR EACH ROW (condition: models/booking.py).
-- A lower revision would make codes valid again that were replaced.
BEGIN
    RAISE EXCEPTION 'codes that were replaced stay invalid'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_code_revision';
END;
