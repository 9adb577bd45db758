-- AFTER INSERT ON tickets_assignmentevent, FOR EACH ROW, DEFERRED (condition: models.py).
BEGIN
    PERFORM notifications_announce(NEW.ticket_id, NEW.pgh_id, (NEW.pgh_context ->> 'user')::bigint);
    RETURN NULL;
END;
