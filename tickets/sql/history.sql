-- What was done to a ticket, newest first: its creation, each change of its fields, who was put to work on it or taken
-- off it.
-- params   ticket_id  bigint
--          before_id  bigint | null   only what is older than the item of this id; null: from the newest
--          row_limit  int             rows at most
-- returns  id bigint; at timestamptz; door text ('database' when nobody said)
--          actor_id bigint | null (nobody known); actor_name text | null (nobody known, or deleted since)
--          changes jsonb | null, of the ticket: {field: [before, after]}, without what was empty and still is
--          assignee_id bigint | null; assignee_name text | null (deleted since); is_assigned boolean (else: taken off)
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
            WHEN earlier.fields IS NULL THEN field.value NOT IN ('null', '""')
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
