-- AFTER INSERT ON tickets_comment, FOR EACH ROW, for public comments (condition: models.py): note the first one by staff
-- other than the ticket's creator, with the project that the ticket is in at that time.
-- Comments cannot be changed or deleted, so neither can what is noted here.
BEGIN
    INSERT INTO analytics_firstresponse (ticket_id, author_id, project_id, responded_at, seconds)
    SELECT
        ticket.id, NEW.author_id, ticket.project_id, NEW.created_at,
        -- Clocks can go back.
        greatest(extract(epoch FROM NEW.created_at - ticket.created_at), 0)
    FROM tickets_ticket AS ticket
    JOIN accounts_user AS author ON author.id = NEW.author_id
    WHERE ticket.id = NEW.ticket_id AND author.type <> 'customer' AND author.id <> ticket.created_by_id
    ON CONFLICT (ticket_id) DO NOTHING;
    RETURN NULL;
END;
