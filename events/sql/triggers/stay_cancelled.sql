-- Refuse to reopen a cancelled event.
-- BEFORE UPDATE ON events_event, FOR EACH ROW (condition: models/event.py).
BEGIN
    RAISE EXCEPTION 'a cancelled event cannot be reopened'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'event_stays_cancelled';
END;
