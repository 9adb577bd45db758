-- AFTER DELETE ON projects_project, FOR EACH ROW.
BEGIN
    PERFORM changes_note('project', OLD.id, 'deleted', NULL, NULL);
    RETURN NULL;
END;
