-- Undo any attempt to set version or updated_at.
-- BEFORE UPDATE ON tickets_ticket, FOR EACH ROW, if version or updated_at changed. Step 2: step 3 increments
-- the old version.
BEGIN
    -- At depth 2 the update comes from the trigger step_1_move_ticket_version.
    IF pg_trigger_depth() = 1 THEN
        NEW.version := OLD.version;
        NEW.updated_at := OLD.updated_at;
    END IF;
    RETURN NEW;
END;
