-- BEFORE UPDATE ON events_event, FOR EACH ROW (condition: models.py).
BEGIN
    RAISE EXCEPTION 'a cancelled event stays so'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'event_stays_cancelled';
END;
