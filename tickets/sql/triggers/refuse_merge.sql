-- Refuse to merge a ticket twice, or into one that was merged itself. This rules out cycles.
-- BEFORE UPDATE OF merged_into_id ON tickets_ticket, FOR EACH ROW, if it changed (condition: models/ticket.py).
-- The lock makes this wait for a change of the other ticket, such as a merge into this one.
BEGIN
    IF OLD.merged_into_id IS NOT NULL THEN
        RAISE EXCEPTION 'the ticket was already merged'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_merged_once', TABLE = 'tickets_ticket';
    END IF;
    PERFORM FROM tickets_ticket WHERE id = NEW.merged_into_id AND merged_into_id IS NOT NULL FOR SHARE;
    IF FOUND THEN
        RAISE EXCEPTION 'the other ticket was merged itself'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_merge_target', TABLE = 'tickets_ticket';
    END IF;
    RETURN NEW;
END;
