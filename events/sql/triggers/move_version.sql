-- Move the version of an inventory that really changed.
-- BEFORE UPDATE ON events_inventory, FOR EACH ROW, unless the update moves it (condition: models/inventory.py).
BEGIN
    IF NEW.* IS DISTINCT FROM OLD.* THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END;
