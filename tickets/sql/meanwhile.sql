-- What has become of a ticket since it had a version: of each field that was changed, be it changed back, what it was
-- then and is now, and its last change; and who was put to work on it or taken off. Assignments know no version, but each
-- that came or went moved the ticket's: what the changes of fields do not explain was theirs.
-- params   ticket_id  bigint
--          version    int     the one that somebody knows
--          deleted    text    what to call an assignee who has been deleted since
-- returns  field text         a column of the ticket, or 'assignee'
--          before, after text | null   of an assignee the name, on the side where they were at work; else JSON
--          at timestamptz; door text ('database' when nobody said)
--          actor_id bigint | null (nobody known); actor_name text | null (nobody known, or deleted since)
-- index    ticket_event_order, assignment_event_order
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
        event.pgh_created_at,
        event.pgh_context,
        to_jsonb(event) - ARRAY[
            'pgh_id', 'pgh_created_at', 'pgh_label', 'pgh_context', 'pgh_context_id', 'pgh_obj_id', 'version'
        ] AS fields
    FROM tickets_ticketevent AS event
    WHERE event.pgh_obj_id = %(ticket_id)s AND event.pgh_id >= (SELECT pgh_id FROM known)
),
steps AS (
    SELECT
        moves.*,
        lag(fields) OVER (ORDER BY pgh_id) AS earlier,
        first_value(fields) OVER (ORDER BY pgh_id) AS first_fields,
        last_value(fields) OVER (
            ORDER BY pgh_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS last_fields
    FROM moves
),
changes AS (
    (
        SELECT DISTINCT ON (field.key)
            field.key AS field,
            (steps.first_fields -> field.key)::text AS before,
            (steps.last_fields -> field.key)::text AS after,
            steps.pgh_id,
            steps.pgh_created_at,
            steps.pgh_context
        FROM steps
        CROSS JOIN LATERAL jsonb_each(steps.fields) AS field
        WHERE field.value IS DISTINCT FROM steps.earlier -> field.key AND steps.earlier IS NOT NULL
        ORDER BY field.key, steps.pgh_id DESC
    )
    UNION ALL
    (
        SELECT
            'assignee',
            CASE WHEN event.pgh_label = 'delete' THEN coalesce(assignee.name, %(deleted)s) END,
            CASE WHEN event.pgh_label = 'insert' THEN coalesce(assignee.name, %(deleted)s) END,
            event.pgh_id,
            event.pgh_created_at,
            event.pgh_context
        FROM tickets_assignmentevent AS event
        LEFT JOIN accounts_user AS assignee ON assignee.id = event.user_id
        WHERE event.ticket_id = %(ticket_id)s
        ORDER BY event.pgh_id DESC
        LIMIT greatest(0, (
            SELECT version - %(version)s - (SELECT count(*) - 1 FROM moves)
            FROM tickets_ticket
            WHERE id = %(ticket_id)s
        ))
    )
)
SELECT
    changes.field,
    changes.before,
    changes.after,
    changes.pgh_created_at AS at,
    coalesce(changes.pgh_context ->> 'door', 'database') AS door,
    (changes.pgh_context ->> 'user')::bigint AS actor_id,
    actor.name AS actor_name
FROM changes
LEFT JOIN accounts_user AS actor ON actor.id = (changes.pgh_context ->> 'user')::bigint
ORDER BY changes.pgh_id
