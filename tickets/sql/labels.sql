-- The labels of tickets that the viewer may see, in order, with the number of these tickets.
-- params   viewer_id  bigint | null   null: a member of staff, who sees every ticket
--          after      text            the last label on the previous page; '': from the first
--          row_limit  int             maximum number of labels
-- returns  name text; tickets bigint
-- index    none for the counts, whose number does not depend on that of the tickets; ticket_creator, assignment_user
SELECT label AS name, sum(tickets)::bigint AS tickets
FROM (
    SELECT label, tickets
    FROM tickets_labelcount AS count
    WHERE %(viewer_id)s::bigint IS NULL
        OR project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
    UNION ALL
    SELECT label, 1
    FROM (
        SELECT id FROM tickets_ticket WHERE created_by_id = %(viewer_id)s
        UNION
        SELECT ticket_id FROM tickets_assignment WHERE user_id = %(viewer_id)s
    ) AS involving
    JOIN tickets_ticket AS ticket ON ticket.id = involving.id AND ticket.labels <> '{}'
    JOIN projects_project AS project ON project.id = ticket.project_id AND project.visibility <> 'everyone'
    CROSS JOIN LATERAL unnest(ticket.labels) AS label
) AS counted
WHERE label > %(after)s::text
GROUP BY label
HAVING sum(tickets) > 0
ORDER BY label
LIMIT %(row_limit)s::int;
