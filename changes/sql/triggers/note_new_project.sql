-- AFTER INSERT ON projects_project, FOR EACH ROW.
BEGIN
    PERFORM changes_note('project', NEW.id, 'created', NEW.version, NULL);
    RETURN NULL;
END;
