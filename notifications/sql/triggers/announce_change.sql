-- AFTER INSERT ON tickets_ticketevent, FOR EACH ROW, DEFERRED (condition: models.py).
BEGIN
    PERFORM notifications_announce(NEW.pgh_obj_id, NEW.pgh_id, (NEW.pgh_context ->> 'user')::bigint);
    RETURN NULL;
END;
