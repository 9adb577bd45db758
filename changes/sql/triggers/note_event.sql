-- AFTER UPDATE ON events_event, FOR EACH ROW, if the version moved or the event was deleted (condition: models.py).
DECLARE
    is_cancelled boolean := NEW.status = 'cancelled' AND OLD.status <> 'cancelled';
    is_deleted boolean := NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL;
BEGIN
    IF is_cancelled OR NOT is_deleted THEN
        PERFORM changes_note(
            'event', NEW.id, CASE WHEN is_cancelled THEN 'cancelled' ELSE 'updated' END, NEW.version, NULL
        );
    END IF;
    IF is_deleted THEN
        PERFORM changes_note('event', NEW.id, 'deleted', NULL, NULL);
    END IF;
    RETURN NULL;
END;
