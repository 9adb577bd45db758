-- AFTER INSERT ON tickets_comment, FOR EACH ROW.
BEGIN
    PERFORM changes_note('ticket', NEW.ticket_id, 'commented', NULL, NEW.id);
    RETURN NULL;
END;
