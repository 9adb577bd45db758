-- Those of some tickets that the viewer may see.
-- params   ids        bigint[]
--          viewer_id  bigint | null   null: a member of staff, who sees every ticket
-- returns  id bigint
-- index    tickets_ticket_pkey
SELECT ticket.id
FROM tickets_ticket AS ticket
WHERE ticket.id = ANY(%(ids)s::bigint[])
AND
\ir parts/visible.sql
