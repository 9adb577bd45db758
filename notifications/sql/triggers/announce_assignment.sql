-- AFTER INSERT ON tickets_assignmentevent, FOR EACH ROW, DEFERRED (condition: models.py).
BEGIN
    PERFORM notifications_announce(NEW.ticket_id, NEW.pgh_id);
    RETURN NULL;
END;
