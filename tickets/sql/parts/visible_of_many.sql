-- The same as visible.sql for thousands of tickets: reads the viewer's assignments once, not one for each ticket.
(
    %(viewer_id)s::bigint IS NULL
    OR ticket.created_by_id = %(viewer_id)s
    OR ticket.project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
    OR ticket.id IN (SELECT ticket_id FROM tickets_assignment WHERE user_id = %(viewer_id)s)
)
