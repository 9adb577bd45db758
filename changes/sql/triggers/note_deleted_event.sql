-- AFTER DELETE ON events_event, FOR EACH ROW.
BEGIN
    PERFORM changes_note('event', OLD.id, 'deleted', NULL, NULL);
    RETURN NULL;
END;
