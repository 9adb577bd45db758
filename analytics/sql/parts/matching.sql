-- Whether a ticket, or a count, is of the kind asked for, in a project of which the viewer sees every ticket.
(%(status)s::text IS NULL OR status = %(status)s)
AND (%(priority)s::text IS NULL OR priority = %(priority)s)
AND (%(type)s::text IS NULL OR type = %(type)s)
AND (
    %(viewer_id)s::bigint IS NULL
    OR project_id = ANY (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
)
