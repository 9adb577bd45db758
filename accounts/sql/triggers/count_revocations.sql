-- BEFORE UPDATE OF is_active, email ON accounts_user, FOR EACH ROW, when a user is deactivated or the address changes
-- (condition: models.py).
-- Tokens, sessions and mailed codes carry the count, so either change ends them for good, even one made in psql.
BEGIN
    NEW.revocations := OLD.revocations + 1;
    RETURN NEW;
END;
