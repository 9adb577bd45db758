-- AFTER INSERT ON tickets_ticket, FOR EACH ROW.
BEGIN
    PERFORM changes_note('ticket', NEW.id, 'created', NEW.version, NULL);
    RETURN NULL;
END;
