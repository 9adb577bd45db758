-- Refuse a time zone that PostgreSQL does not know.
-- BEFORE INSERT OR UPDATE OF time_zone ON events_event, FOR EACH ROW (condition: models/event.py).
BEGIN
    IF NOT EXISTS (SELECT FROM pg_timezone_names WHERE name = NEW.time_zone) THEN
        RAISE EXCEPTION 'unknown time zone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'event_time_zone';
    END IF;
    RETURN NEW;
END;
