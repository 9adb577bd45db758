-- AFTER UPDATE ON projects_project, FOR EACH ROW, if the version moved (condition: models.py).
BEGIN
    PERFORM changes_note('project', NEW.id, 'updated', NEW.version, NULL);
    RETURN NULL;
END;
