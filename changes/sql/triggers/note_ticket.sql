-- AFTER UPDATE ON tickets_ticket, FOR EACH ROW, if the version moved (condition: models.py).
BEGIN
    IF NEW.merged_into_id IS DISTINCT FROM OLD.merged_into_id THEN
        PERFORM changes_note('ticket', NEW.id, 'merged', NEW.version, NEW.merged_into_id);
    ELSE
        PERFORM changes_note('ticket', NEW.id, 'updated', NEW.version, NULL);
    END IF;
    RETURN NULL;
END;
