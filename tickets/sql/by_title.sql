-- The next tickets by title, from A to Z, that match a filter and that the viewer may see.
-- params   after_title    text | null     the title to start after; null: from the first ticket
--          after_id       bigint
--          walked_venue   text | null
--          walked_type    text | null
--          walked_project bigint | null   the walk is among tickets alike in this; planned with it unless all are null
--          viewer_id      bigint | null    null: a member of staff, who sees every ticket
--          walk           int             how many tickets to look at, whether or not they match
--          row_limit      int             maximum number of rows
--          those of parts/matching.sql and parts/looked_up.sql
-- returns  the columns of parts/shown.sql; place text: the value that the ticket is sorted by
-- index    ticket_title_order, assignment_once
SELECT
\ir parts/shown.sql
    , ticket.title AS place
FROM (
    SELECT *
    FROM tickets_ticket
    WHERE (title_key, id) > (coalesce(search_sort_key(%(after_title)s::text), ''), %(after_id)s::bigint)
    -- Where tickets are alike in one of these, their titles have an index of their own.
    AND (%(walked_venue)s::text IS NULL OR venue = %(walked_venue)s)
    AND (%(walked_type)s::text IS NULL OR type = %(walked_type)s)
    AND (%(walked_project)s::bigint IS NULL OR project_id = %(walked_project)s)
    ORDER BY title_key, id
    LIMIT %(walk)s::int
) AS ticket
WHERE
\ir parts/visible.sql
AND
\ir parts/matching.sql
AND
\ir parts/looked_up.sql
LIMIT %(row_limit)s::int;
