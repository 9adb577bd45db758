-- AFTER UPDATE ON tickets_ticket, FOR EACH ROW that moves to another project, creator or time (models.py): the ticket no
-- longer proves that its creator created one there, so a last day that may be due to it loses its project.
-- The lock keeps a fold from replacing that row before this transaction commits.
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('analytics_lastday'));
    UPDATE analytics_lastday
    SET project_id = nullif(project_id, OLD.project_id)
    WHERE user_id = OLD.created_by_id AND day = (OLD.created_at AT TIME ZONE 'UTC')::date;
    RETURN NULL;
END;
