-- Count the tickets of each project with each label, as the triggers would have.
INSERT INTO tickets_labelcount (label, project_id, tickets)
SELECT label, project_id, count(*)
FROM tickets_ticket
CROSS JOIN LATERAL unnest(labels) AS label
GROUP BY label, project_id;
