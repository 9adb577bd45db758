-- Refuse to make a user an admin while they are assigned to tickets.
-- BEFORE UPDATE OF type ON accounts_user, FOR EACH ROW, if the new type is admin and the old one is not.
-- refuse_assignment is the other half. It locks the user's row FOR SHARE, so of two concurrent transactions either this
-- one waits and sees the assignment, or the assignment waits and sees the admin.
BEGIN
    IF EXISTS (SELECT FROM tickets_assignment WHERE user_id = NEW.id) THEN
        RAISE EXCEPTION 'a user with assigned tickets cannot become an admin'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'user_holds_assignments', TABLE = 'accounts_user';
    END IF;
    RETURN NEW;
END;
