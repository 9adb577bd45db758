-- BEFORE UPDATE ON events_inventory, FOR EACH ROW (condition: models.py).
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END;
