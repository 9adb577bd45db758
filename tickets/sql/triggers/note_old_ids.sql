-- Append new tickets whose id is not a new one, for which lists do not look behind the last noted ticket.
-- AFTER INSERT ON tickets_ticket, FOR EACH STATEMENT.
BEGIN
    INSERT INTO tickets_newlytitled (ticket_id)
    SELECT id FROM new_tickets WHERE id <= (SELECT next_id FROM tickets_titlespans);
    RETURN NULL;
END;
