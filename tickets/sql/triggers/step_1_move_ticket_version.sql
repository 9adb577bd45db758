-- Move the version of a ticket when an assignment is added, removed or changed to another user or ticket.
-- AFTER INSERT OR UPDATE OF ticket_id, user_id OR DELETE ON tickets_assignment, FOR EACH ROW.
-- Step 1: the update locks the ticket's row before step 2 draws an id for the history.
BEGIN
    IF TG_OP = 'UPDATE'
            AND (NEW.ticket_id, NEW.user_id) IS NOT DISTINCT FROM (OLD.ticket_id, OLD.user_id) THEN
        RETURN NULL;
    END IF;
    -- Users assigned on creation are part of version 1.
    UPDATE tickets_ticket
    SET version = version + 1, updated_at = date_trunc('milliseconds', clock_timestamp())
    WHERE id IN (NEW.ticket_id, OLD.ticket_id)
        AND NOT (TG_OP = 'INSERT' AND version = 1 AND NEW.assigned_at = created_at);
    RETURN NULL;
END;
