-- BEFORE UPDATE ON tickets_ticket, FOR EACH ROW (condition: models.py).
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := date_trunc('milliseconds', clock_timestamp());
    RETURN NEW;
END;
