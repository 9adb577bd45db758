-- Tickets with the given ids, in the order of the ids.
-- params   ids        bigint[]
--          ordering   text        the column that they are sorted by: created_at, updated_at, due_at, priority or title
-- returns  the columns of parts/shown.sql; place text: the value of that column
-- index    tickets_ticket_pkey, assignment_once
SELECT
\ir parts/shown.sql
\ir parts/place.sql
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS wanted (id, place)
JOIN tickets_ticket AS ticket ON ticket.id = wanted.id
ORDER BY wanted.place;
