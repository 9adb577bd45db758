-- AFTER UPDATE ON events_booking, FOR EACH ROW, if the version moved without a change of seats (condition: models.py).
BEGIN
    PERFORM changes_note('booking', NEW.id, 'changed', NEW.version, NULL);
    RETURN NULL;
END;
