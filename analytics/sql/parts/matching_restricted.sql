-- Whether a ticket is of the kind and span asked for, in a project that only those involved see.
project_id <> ALL (ARRAY(SELECT id FROM projects_project WHERE visibility = 'everyone'))
AND created_at >= coalesce(%(starts_at)s::timestamptz, '-infinity')
AND created_at < coalesce(%(ends_at)s::timestamptz, 'infinity')
AND (%(status)s::text IS NULL OR status = %(status)s)
AND (%(priority)s::text IS NULL OR priority = %(priority)s)
AND (%(type)s::text IS NULL OR type = %(type)s)
AND (%(venue)s::text IS NULL OR venue = %(venue)s)
