-- The columns of a ticket that the API shows, with its keys: those of TicketSerializer. `price` and `assignedUsers` are
-- JSON, as orjson writes it. tickets/shapes.py writes the times as the API does, which takes a quarter of the time of
-- kit_utc_text.
    ticket.id,
    ticket.title,
    ticket.description,
    ticket.type,
    ticket.venue,
    ticket.status,
    trim_scale(ticket.price)::text AS price,
    ticket.priority,
    (ticket.due_at AT TIME ZONE 'UTC')::text AS "dueDate",
    ticket.created_by_id AS "createdBy",
    array_to_json(ARRAY(
        SELECT row_to_json(assignee)
        FROM (
            SELECT person.id AS "userId", person.name, person.email
            FROM tickets_assignment AS assignment
            JOIN accounts_user AS person ON person.id = assignment.user_id
            WHERE assignment.ticket_id = ticket.id
            ORDER BY assignment.id
        ) AS assignee
    ))::text AS "assignedUsers",
    ticket.project_id AS project,
    (ticket.created_at AT TIME ZONE 'UTC')::text AS "createdDate",
    (ticket.updated_at AT TIME ZONE 'UTC')::text AS "updatedDate",
    (coalesce(
        (SELECT at FROM activity_activity WHERE type = 'ticket' AND object_id = ticket.id),
        ticket.updated_at,
        ticket.created_at
    ) AT TIME ZONE 'UTC')::text AS "activityDate",
    CASE WHEN ticket.held_at IS NULL THEN (ticket.sla_due_at AT TIME ZONE 'UTC')::text END AS "slaDue",
    ticket.labels,
    ticket.version
