-- AFTER INSERT ON events_event, FOR EACH ROW.
BEGIN
    PERFORM changes_note('event', NEW.id, 'created', NEW.version, NULL);
    RETURN NULL;
END;
