-- The latest tickets that a user created, those that are not closed first.
-- params   user_id    bigint
--          walk       int   number of the user's tickets to look at, newest first
--          row_limit  int   maximum number of rows
-- returns  id bigint, title text, status text, created_at timestamptz
--          unclosed int, total int: how many of those looked at
-- index    ticket_creator, which has all that is needed to choose them; tickets_ticket_pkey
SELECT ticket.id, ticket.title, ticket.status, ticket.created_at, found.unclosed, found.total
FROM (
    SELECT
        id,
        row_number() OVER (ORDER BY status = 'closed', created_at DESC, id DESC) AS place,
        (count(*) FILTER (WHERE status <> 'closed') OVER ())::int AS unclosed,
        (count(*) OVER ())::int AS total
    FROM (
        SELECT id, status, created_at
        FROM tickets_ticket
        WHERE created_by_id = %(user_id)s::bigint
        ORDER BY created_at DESC
        LIMIT %(walk)s::int
    ) AS created
) AS found
JOIN tickets_ticket AS ticket ON ticket.id = found.id
WHERE found.place <= %(row_limit)s::int
ORDER BY found.place;
