-- Move the version of the event whose number of seats changed, and note it as the version of these fields.
-- AFTER UPDATE OF capacity, withheld ON events_inventory, FOR EACH ROW (condition: models/inventory.py).
BEGIN
    UPDATE events_event
    SET version = version + 1,
        field_versions = coalesce(field_versions, '{}')
            || CASE WHEN NEW.capacity <> OLD.capacity THEN jsonb_build_object('capacity', version + 1) ELSE '{}' END
            || CASE WHEN NEW.withheld <> OLD.withheld THEN jsonb_build_object('withheld', version + 1) ELSE '{}' END
    WHERE id = NEW.event_id;
    RETURN NULL;
END;
