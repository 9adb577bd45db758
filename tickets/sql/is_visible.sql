-- Whether there is a ticket that the viewer may see.
-- params   ticket_id  bigint
--          viewer_id  bigint | null   null: a member of staff, who sees every ticket
-- returns  a row if there is
-- index    tickets_ticket_pkey, assignment_once
SELECT ticket.id
FROM tickets_ticket AS ticket
WHERE ticket.id = %(ticket_id)s::bigint
AND
\ir parts/visible.sql
;
