-- AFTER INSERT ON accounts_user, FOR EACH ROW.
BEGIN
    PERFORM changes_note('user', NEW.id, 'created', NEW.version, NULL);
    RETURN NULL;
END;
