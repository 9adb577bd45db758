-- The labels that begin with a text, those of most tickets first, for staff, who see every ticket.
-- params   start      text     beginning of the label, in lower case; '': any
--          without    text[]   labels to leave out
--          row_limit  int      maximum number of labels
-- returns  name text; tickets bigint
-- index    none: the number of counts does not depend on that of the tickets
SELECT label AS name, sum(tickets)::bigint AS tickets
FROM tickets_labelcount
WHERE starts_with(label, %(start)s::text) AND label <> ALL (%(without)s::text[])
GROUP BY label
HAVING sum(tickets) > 0
ORDER BY tickets DESC, label
LIMIT %(row_limit)s::int;
