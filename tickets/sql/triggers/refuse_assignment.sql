-- Refuse to assign anyone to a closed ticket, and to assign an admin, a deactivated user or a deleted one.
-- BEFORE INSERT OR UPDATE OF ticket_id, user_id ON tickets_assignment, FOR EACH ROW.
-- It takes the same lock on the ticket as the services do, so that plain SQL waits its turn. The lock on the user keeps
-- them from becoming an admin or being deactivated until this transaction ends.
DECLARE
    ticket_status text;
    assignee accounts_user;
BEGIN
    SELECT status INTO ticket_status FROM tickets_ticket
        WHERE id = NEW.ticket_id FOR NO KEY UPDATE;
    IF ticket_status = 'closed' THEN
        RAISE EXCEPTION 'cannot assign users to a closed ticket'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_open_ticket';
    END IF;
    SELECT * INTO assignee FROM accounts_user WHERE id = NEW.user_id FOR SHARE;
    IF NOT FOUND OR NOT assignee.is_active THEN
        RAISE EXCEPTION 'user does not exist or is deactivated'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_active_user';
    END IF;
    IF assignee.type = 'admin' THEN
        RAISE EXCEPTION 'cannot assign a ticket to an admin'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_no_admin';
    END IF;
    RETURN NEW;
END;
