-- The latest tickets that a user is assigned to, those that are not closed first.
-- params   user_id    bigint
--          walk       int   number of the user's tickets to look at, newest first
--          row_limit  int   maximum number of rows
-- returns  id bigint, title text, status text, created_at timestamptz
--          unclosed int, total int: how many of those looked at
-- index    assignment_user, and ticket_by_id, which has all that is needed to choose them; tickets_ticket_pkey
SELECT ticket.id, ticket.title, ticket.status, ticket.created_at, found.unclosed, found.total
FROM (
    SELECT
        id,
        row_number() OVER (ORDER BY status = 'closed', id DESC) AS place,
        (count(*) FILTER (WHERE status <> 'closed') OVER ())::int AS unclosed,
        (count(*) OVER ())::int AS total
    FROM (
        SELECT ticket_id
        FROM tickets_assignment
        WHERE user_id = %(user_id)s::bigint
        ORDER BY ticket_id DESC
        LIMIT %(walk)s::int
    ) AS assigned
    -- OFFSET keeps PostgreSQL from reading all tickets.
    CROSS JOIN LATERAL (SELECT id, status FROM tickets_ticket WHERE id = assigned.ticket_id OFFSET 0) AS looked_up
) AS found
JOIN tickets_ticket AS ticket ON ticket.id = found.id
WHERE found.place <= %(row_limit)s::int
ORDER BY found.place;
