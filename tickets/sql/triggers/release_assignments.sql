-- AFTER UPDATE OF is_active ON accounts_user, FOR EACH ROW, when a user is deactivated (condition: models/assignment.py).
-- Remove the user from all tickets that are not closed. Closed ones keep their assignees, for the record.
BEGIN
    DELETE FROM tickets_assignment AS assignment
        USING tickets_ticket AS ticket
        WHERE assignment.user_id = NEW.id AND ticket.id = assignment.ticket_id AND ticket.status <> 'closed';
    RETURN NULL;
END;
