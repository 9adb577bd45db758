-- AFTER UPDATE OF status ON tickets_ticket, FOR EACH ROW, when a ticket is reopened (condition: models/ticket.py).
-- Remove the assignees who were deactivated while it was closed. Step 4: the history records the reopening first.
-- The lock on the users makes this wait for a deactivation, or the deactivation wait for this; release_assignments is the
-- other half.
BEGIN
    PERFORM FROM accounts_user
        WHERE id IN (SELECT user_id FROM tickets_assignment WHERE ticket_id = NEW.id)
        ORDER BY id
        FOR SHARE;
    DELETE FROM tickets_assignment AS assignment
        USING accounts_user AS person
        WHERE assignment.ticket_id = NEW.id AND person.id = assignment.user_id AND NOT person.is_active;
    RETURN NULL;
END;
