-- Refuse to change a comment, except that it follows its ticket when that is merged into another one.
-- BEFORE UPDATE ON tickets_comment, FOR EACH ROW.
BEGIN
    IF to_jsonb(NEW) - 'ticket_id' IS DISTINCT FROM to_jsonb(OLD) - 'ticket_id' OR NOT EXISTS (
        SELECT FROM tickets_ticket WHERE id = OLD.ticket_id AND merged_into_id = NEW.ticket_id
    ) THEN
        RAISE EXCEPTION 'Cannot update rows from tickets_comment table';
    END IF;
    RETURN NEW;
END;
