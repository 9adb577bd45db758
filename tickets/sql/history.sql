-- The history of a ticket, newest first: its creation, changes of its fields, assignments and their removal.
-- params   ticket_id  bigint
--          before_id  bigint | null   only entries older than the one with this id; null: from the newest
--          row_limit  int             maximum number of rows
-- returns  id bigint; at timestamptz; door text ('database' if the transaction named none)
--          actor_id bigint | null (unknown); actor_name text | null (unknown or deleted since)
--          changes jsonb | null, for the ticket: {field: [before, after]}; a creation omits empty fields
--          assignee_id bigint | null; assignee_name text | null (deleted since); is_assigned boolean (false: removed)
-- index    ticket_event_order, assignment_event_order
WITH items AS (
    (
        SELECT
            pgh_id, pgh_created_at, pgh_context, pgh_label, NULL::bigint AS assignee_id,
            to_jsonb(event) - ARRAY[
                'pgh_id', 'pgh_created_at', 'pgh_label', 'pgh_context', 'pgh_context_id', 'pgh_obj_id', 'version'
            ] AS fields
        FROM tickets_ticketevent AS event
        WHERE pgh_obj_id = %(ticket_id)s AND (%(before_id)s::bigint IS NULL OR pgh_id < %(before_id)s)
        ORDER BY pgh_id DESC
        LIMIT %(row_limit)s
    )
    UNION ALL
    (
        SELECT pgh_id, pgh_created_at, pgh_context, pgh_label, user_id, NULL
        FROM tickets_assignmentevent
        WHERE ticket_id = %(ticket_id)s AND (%(before_id)s::bigint IS NULL OR pgh_id < %(before_id)s)
        ORDER BY pgh_id DESC
        LIMIT %(row_limit)s
    )
    ORDER BY pgh_id DESC
    LIMIT %(row_limit)s
)
SELECT
    items.pgh_id AS id,
    items.pgh_created_at AS at,
    coalesce(items.pgh_context ->> 'door', 'database') AS door,
    (items.pgh_context ->> 'user')::bigint AS actor_id,
    actor.name AS actor_name,
    (
        SELECT jsonb_object_agg(field.key, jsonb_build_array(earlier.fields -> field.key, field.value))
        FROM jsonb_each(items.fields) AS field
        WHERE CASE
            WHEN earlier.fields IS NULL THEN field.value NOT IN ('null', '""', '[]')
            ELSE field.value IS DISTINCT FROM earlier.fields -> field.key
        END
    ) AS changes,
    items.assignee_id,
    assignee.name AS assignee_name,
    items.pgh_label = 'insert' AS is_assigned
FROM items
LEFT JOIN accounts_user AS actor ON actor.id = (items.pgh_context ->> 'user')::bigint
LEFT JOIN accounts_user AS assignee ON assignee.id = items.assignee_id
LEFT JOIN LATERAL (
    SELECT to_jsonb(event) AS fields
    FROM tickets_ticketevent AS event
    WHERE items.assignee_id IS NULL AND event.pgh_obj_id = %(ticket_id)s AND event.pgh_id < items.pgh_id
    ORDER BY event.pgh_id DESC
    LIMIT 1
) AS earlier ON true
ORDER BY items.pgh_id DESC
