-- AFTER DELETE ON accounts_user, FOR EACH ROW.
BEGIN
    PERFORM changes_note('user', OLD.id, 'deleted', NULL, NULL);
    RETURN NULL;
END;
