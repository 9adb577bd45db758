-- What has changed on a ticket since one of its versions: per field its value then and now and its last change, even if
-- it was changed back; and each assignment and removal. Assignment events have no version, but each of them moved the
-- ticket's version: the moves that field changes do not account for belong to the most recent assignment events.
-- params   ticket_id  bigint
--          version    int     the version to compare with
--          deleted    text    the name to show for an assignee who was deleted since
-- returns  field text         a column of the ticket, or 'assignee'
--          before, after text | null   JSON; for 'assignee' a name: before if removed, after if added
--          at timestamptz; door text ('database' if the transaction named none)
--          actor_id bigint | null (unknown); actor_name text | null (unknown or deleted since)
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
