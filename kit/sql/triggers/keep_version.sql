-- Undo any attempt to set the version of a row, or the versions of its fields.
-- BEFORE UPDATE, FOR EACH ROW, if one of them changed (condition: kit/versions.py). Named to fire before move_version.
BEGIN
    -- At depth 2 the update comes from the trigger of another table that holds part of the row's data.
    IF pg_trigger_depth() = 1 THEN
        NEW.version := OLD.version;
        NEW.field_versions := OLD.field_versions;
    END IF;
    RETURN NEW;
END;
