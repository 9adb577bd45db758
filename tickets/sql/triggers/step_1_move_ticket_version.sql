-- AFTER INSERT OR UPDATE OF ticket_id, user_id OR DELETE ON tickets_assignment, FOR EACH ROW.
BEGIN
    IF TG_OP = 'UPDATE'
            AND (NEW.ticket_id, NEW.user_id) IS NOT DISTINCT FROM (OLD.ticket_id, OLD.user_id) THEN
        RETURN NULL;
    END IF;
    -- Who is there from the beginning is no change.
    UPDATE tickets_ticket
    SET version = version + 1, updated_at = date_trunc('milliseconds', clock_timestamp())
    WHERE id IN (NEW.ticket_id, OLD.ticket_id)
        AND NOT (TG_OP = 'INSERT' AND version = 1 AND NEW.assigned_at = created_at);
    RETURN NULL;
END;
