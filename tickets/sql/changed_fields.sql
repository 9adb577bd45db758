-- What of a ticket has changed since it had a version, also what was changed back. Assignees have no fields of their own
-- there, but each that came or went moved the version: what the changes of fields do not explain was theirs.
-- params   ticket_id  bigint
--          version    int     the one that somebody knows
-- returns  field text     a column of the ticket, or 'assignee'
-- index    ticket_event_order
WITH known AS MATERIALIZED (
    SELECT pgh_id, version
    FROM tickets_ticketevent
    WHERE pgh_obj_id = %(ticket_id)s AND (version <= %(version)s OR pgh_label = 'insert')
    ORDER BY pgh_id DESC
    LIMIT 1
),
moves AS MATERIALIZED (
    SELECT
        event.pgh_id,
        to_jsonb(event) - ARRAY[
            'pgh_id', 'pgh_created_at', 'pgh_label', 'pgh_context', 'pgh_context_id', 'pgh_obj_id', 'version'
        ] AS fields
    FROM tickets_ticketevent AS event
    WHERE event.pgh_obj_id = %(ticket_id)s AND event.pgh_id >= (SELECT pgh_id FROM known)
),
steps AS (
    SELECT fields, lag(fields) OVER (ORDER BY pgh_id) AS earlier FROM moves
)
SELECT DISTINCT field.key AS field
FROM steps
CROSS JOIN LATERAL jsonb_each(steps.fields) AS field
WHERE field.value IS DISTINCT FROM steps.earlier -> field.key AND steps.earlier IS NOT NULL
UNION ALL
SELECT 'assignee'
FROM tickets_ticket
WHERE id = %(ticket_id)s AND version - %(version)s > (SELECT count(*) - 1 FROM moves)
