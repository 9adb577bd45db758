-- Count the labels of a ticket whose labels or project have changed.
-- AFTER UPDATE OF labels, project_id ON tickets_ticket, FOR EACH ROW, if one of them changed (condition: models/label.py).
BEGIN
    INSERT INTO tickets_labelcount (label, project_id, tickets)
    SELECT label, project_id, sum(tickets)
    FROM (
        SELECT label, NEW.project_id AS project_id, 1 AS tickets FROM unnest(NEW.labels) AS label
        UNION ALL
        SELECT label, OLD.project_id, -1 FROM unnest(OLD.labels) AS label
    ) AS change
    GROUP BY label, project_id
    HAVING sum(tickets) <> 0;
    RETURN NULL;
END;
