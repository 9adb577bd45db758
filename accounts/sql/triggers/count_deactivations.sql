-- BEFORE UPDATE OF is_active ON accounts_user, FOR EACH ROW, when a user is deactivated (condition: models.py).
-- Tokens and sessions carry the count, so a deactivation ends them for good, even one made in psql.
BEGIN
    NEW.deactivations := OLD.deactivations + 1;
    RETURN NEW;
END;
