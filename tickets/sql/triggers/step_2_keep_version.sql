-- BEFORE UPDATE ON tickets_ticket, FOR EACH ROW (condition: models.py).
-- PostgreSQL fires triggers by name, so this one puts back what move_version then counts on.
BEGIN
    -- At depth 2 it is the assignments' trigger that moves them.
    IF pg_trigger_depth() = 1 THEN
        NEW.version := OLD.version;
        NEW.updated_at := OLD.updated_at;
    END IF;
    RETURN NEW;
END;
