-- Return the ids of the users who watch a ticket and may see it, as sql/parts/visible.sql says. Called by the triggers
-- behind mail about tickets.
CREATE OR REPLACE FUNCTION tickets_watchers(watched_id bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT person.id
    FROM tickets_watch AS watch
    JOIN accounts_user AS person ON person.id = watch.user_id
    JOIN tickets_ticket AS ticket ON ticket.id = watch.ticket_id
    WHERE watch.ticket_id = watched_id
    AND (
        person.type IN ('agent', 'admin')
        OR ticket.created_by_id = person.id
        OR ticket.project_id IN (SELECT id FROM projects_project WHERE visibility = 'everyone')
        OR EXISTS (SELECT FROM tickets_assignment WHERE ticket_id = ticket.id AND user_id = person.id)
    )
$$;
