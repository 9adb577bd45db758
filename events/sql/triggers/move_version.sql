-- Move the version of an inventory that really changed.
-- BEFORE UPDATE ON events_inventory, FOR EACH ROW (condition: models/inventory.py).
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END;
