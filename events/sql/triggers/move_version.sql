-- Move the version of an event or inventory that really changed.
-- BEFORE UPDATE ON events_event and events_inventory, FOR EACH ROW (conditions: models).
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END;
