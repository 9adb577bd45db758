-- Whether the viewer may see the ticket, as in Ticket.objects.visible_to; a test compares the two.
(
    %(viewer_id)s::bigint IS NULL
    OR ticket.created_by_id = %(viewer_id)s
    OR ticket.project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
    -- Not EXISTS, for which PostgreSQL may read all assignments of the viewer.
    OR (SELECT TRUE FROM tickets_assignment WHERE ticket_id = ticket.id AND user_id = %(viewer_id)s)
)
