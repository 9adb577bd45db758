-- Move the version of a row that really changed, and note it as the version of each field that did.
-- BEFORE UPDATE, FOR EACH ROW, if a field that counts has changed (condition: kit/versions.py).
-- Also notes columns that do not count, which Versioned.changed_since leaves out.
BEGIN
    NEW.field_versions := coalesce(OLD.field_versions, '{}') || (
        SELECT jsonb_object_agg(after.key, OLD.version + 1)
        FROM jsonb_each(to_jsonb(NEW)) AS after
        JOIN jsonb_each(to_jsonb(OLD)) AS before USING (key)
        WHERE after.value <> before.value
    );
    NEW.version := OLD.version + 1;
    RETURN NEW;
END;
