-- BEFORE UPDATE OF status, cancelled ON events_booking, FOR EACH ROW (condition: models.py).
-- From waiting to confirmed to cancelled, and never back.
BEGIN
    RAISE EXCEPTION 'a booking does not go back'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'booking_direction';
END;
