-- AFTER UPDATE ON accounts_user, FOR EACH ROW, if the version moved (condition: models.py).
BEGIN
    PERFORM changes_note(
        'user',
        NEW.id,
        CASE WHEN OLD.is_active AND NOT NEW.is_active THEN 'deactivated' ELSE 'updated' END,
        NEW.version,
        NULL
    );
    RETURN NULL;
END;
