-- The latest tickets that a user created, those that are not closed first.
-- params   user_id    bigint
--          walk       int   number of the user's tickets to look at, newest first
--          row_limit  int   maximum number of rows
-- returns  id bigint, title text, status text, created_at timestamptz
--          unclosed int, total int: how many of those looked at
-- index    ticket_creator
SELECT
    id,
    title,
    status,
    created_at,
    (count(*) FILTER (WHERE status <> 'closed') OVER ())::int AS unclosed,
    (count(*) OVER ())::int AS total
FROM (
    SELECT id, title, status, created_at
    FROM tickets_ticket
    WHERE created_by_id = %(user_id)s::bigint
    ORDER BY created_at DESC
    LIMIT %(walk)s::int
) AS ticket
ORDER BY status = 'closed', created_at DESC, id DESC
LIMIT %(row_limit)s::int;
