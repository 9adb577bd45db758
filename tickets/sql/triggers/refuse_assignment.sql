-- BEFORE INSERT OR UPDATE OF ticket_id, user_id ON tickets_assignment, FOR EACH ROW.
-- The locks are the services' own, so that SQL from elsewhere waits in the same line.
DECLARE
    ticket_status text;
    assignee accounts_user;
BEGIN
    SELECT status INTO ticket_status FROM tickets_ticket
        WHERE id = NEW.ticket_id FOR NO KEY UPDATE;
    IF ticket_status = 'closed' THEN
        RAISE EXCEPTION 'a closed ticket takes no assignees'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_open_ticket';
    END IF;
    SELECT * INTO assignee FROM accounts_user WHERE id = NEW.user_id FOR SHARE;
    IF NOT FOUND OR NOT assignee.is_active THEN
        RAISE EXCEPTION 'no such user, or a deactivated one'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_active_user';
    END IF;
    IF assignee.type = 'admin' THEN
        RAISE EXCEPTION 'an admin is not assigned'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_no_admin';
    END IF;
    RETURN NEW;
END;
