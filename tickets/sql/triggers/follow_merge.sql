-- Add a comment on a merged ticket to the ticket that it was merged into.
-- BEFORE INSERT ON tickets_comment, FOR EACH ROW.
-- The lock, which the foreign key takes as well, makes a comment wait for a merge that runs at the same time.
DECLARE
    target_id bigint;
BEGIN
    LOOP
        SELECT merged_into_id INTO target_id FROM tickets_ticket WHERE id = NEW.ticket_id FOR KEY SHARE;
        EXIT WHEN target_id IS NULL;
        NEW.ticket_id := target_id;
    END LOOP;
    RETURN NEW;
END;
