-- Notify the assignees and watchers of what a transaction changed about a ticket. Called at the end of the transaction
-- for each of its history events: the first call announces all of them, and the others do nothing. By then the
-- transaction holds the ticket's lock, so it reads the version that it has written. `caused_by` is the user who made the
-- change, NULL for one made in SQL.
CREATE OR REPLACE FUNCTION notifications_announce(
    changed_id bigint, first_event bigint, caused_by bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ticket tickets_ticket;
    assignee_ids bigint[];
    assignee_names text[];
    recipient_ids bigint[];
BEGIN
    SELECT * INTO ticket FROM tickets_ticket WHERE id = changed_id;
    -- Creating a ticket, with its first assignees, is not announced.
    IF ticket.version = 1 THEN
        RETURN;
    END IF;
    SELECT array_agg(person.id ORDER BY assignment.id), array_agg(person.name ORDER BY assignment.id)
        INTO assignee_ids, assignee_names
        FROM tickets_assignment AS assignment
        JOIN accounts_user AS person ON person.id = assignment.user_id
        WHERE assignment.ticket_id = changed_id;
    recipient_ids := ARRAY(SELECT unnest(assignee_ids) UNION SELECT tickets_watchers(changed_id));
    IF recipient_ids = '{}' THEN
        RETURN;
    END IF;
    PERFORM notifications_notify(
        'ticket-updated',
        'ticket/' || ticket.id || '/version/' || ticket.version,
        recipient_ids,
        ticket.id,
        jsonb_build_object(
            'title', ticket.title,
            'status', ticket.status,
            'assignees', coalesce(assignee_names, '{}'),
            'first_event', first_event,
            'last_event', greatest(
                (SELECT max(pgh_id) FROM tickets_ticketevent WHERE pgh_obj_id = changed_id),
                (SELECT max(pgh_id) FROM tickets_assignmentevent WHERE ticket_id = changed_id)
            )
        ),
        caused_by
    );
END $$;
