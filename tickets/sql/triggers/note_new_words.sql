-- Append a ticket with another title or other words, if titles have been divided into spans.
-- AFTER UPDATE ON tickets_ticket, FOR EACH ROW, if either has changed (condition: models/title_span.py).
BEGIN
    INSERT INTO tickets_newlytitled (ticket_id) SELECT NEW.id FROM tickets_titlespans;
    RETURN NULL;
END;
