-- AFTER UPDATE OF password, is_active, email ON accounts_user, FOR EACH ROW, when the password or the address changes or
-- the user is deactivated (condition: models/user.py).
-- Tokens and sessions carry a value that these changes make invalid. API keys do not, so they are deleted.
BEGIN
    DELETE FROM accounts_apikey WHERE user_id = NEW.id;
    RETURN NULL;
END;
