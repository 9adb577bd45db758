-- One ticket, if it concerns the viewer: they created it or are assigned to it. Document 004 shows others to staff only.
-- params   ticket_id  bigint
--          viewer_id  bigint | null   null: a member of staff, who sees every ticket
-- returns  at most one row: the columns of parts/shown.sql
-- index    tickets_ticket_pkey, assignment_once
SELECT
\ir parts/shown.sql
FROM tickets_ticket AS ticket
WHERE ticket.id = %(ticket_id)s::bigint
AND (
    %(viewer_id)s::bigint IS NULL
    OR ticket.created_by_id = %(viewer_id)s
    OR (SELECT TRUE FROM tickets_assignment WHERE ticket_id = ticket.id AND user_id = %(viewer_id)s)
);
