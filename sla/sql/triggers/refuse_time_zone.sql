-- Refuse a time zone that PostgreSQL does not know.
-- BEFORE INSERT OR UPDATE OF time_zone ON sla_calendar, FOR EACH ROW.
BEGIN
    IF NOT EXISTS (SELECT FROM pg_timezone_names WHERE name = NEW.time_zone) THEN
        RAISE EXCEPTION 'unknown time zone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'calendar_time_zone';
    END IF;
    RETURN NEW;
END;
