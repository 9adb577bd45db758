-- The next tickets by last change, earliest first, that match a filter and that the viewer may see.
-- params   after_date     timestamptz     the position to start after: the sort key of a ticket, or an end of the order
--          after_id       bigint
--          viewer_id      bigint | null    null: a member of staff, who sees every ticket
--          walk           int             how many tickets to look at, whether or not they match
--          row_limit      int             maximum number of rows
--          those of parts/matching.sql and parts/looked_up.sql
-- returns  the columns of parts/shown.sql; place text: the value that the ticket is sorted by
-- index    ticket_updated_at, assignment_once
SELECT
\ir parts/shown.sql
    , ticket.updated_at::text AS place
FROM (
    SELECT *
    FROM tickets_ticket
    WHERE (coalesce(updated_at, 'infinity'), id) > (%(after_date)s::timestamptz, %(after_id)s::bigint)
    ORDER BY coalesce(updated_at, 'infinity'), id
    LIMIT %(walk)s::int
) AS ticket
WHERE
\ir parts/visible.sql
AND
\ir parts/matching.sql
AND
\ir parts/looked_up.sql
LIMIT %(row_limit)s::int;
