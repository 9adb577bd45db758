-- Count the labels of a new ticket.
-- AFTER INSERT ON tickets_ticket, FOR EACH ROW, if it has labels (condition: models/label.py).
BEGIN
    INSERT INTO tickets_labelcount (label, project_id, tickets)
    SELECT label, NEW.project_id, 1 FROM unnest(NEW.labels) AS label;
    RETURN NULL;
END;
