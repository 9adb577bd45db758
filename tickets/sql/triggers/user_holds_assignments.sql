-- BEFORE UPDATE OF type ON accounts_user, FOR EACH ROW (condition: models.py).
-- The other half of "an admin is not assigned". refuse_assignment locks the user's row FOR SHARE, so an assignment under
-- way at the same time is either waited for and seen here, or waits and sees the admin.
BEGIN
    IF EXISTS (SELECT FROM tickets_assignment WHERE user_id = NEW.id) THEN
        RAISE EXCEPTION 'a user who holds assignments cannot become an admin'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'user_holds_assignments', TABLE = 'accounts_user';
    END IF;
    RETURN NEW;
END;
