-- The next tickets by priority, low first, that match a filter and that the viewer may see.
-- params   after_rank     int             the position to start after: the sort key of a ticket, or an end of the order
--          after_id       bigint
--          until_rank     int             the rank that the walk ends with
--          viewer_id      bigint | null    null: a member of staff, who sees every ticket
--          walk           int             how many tickets to look at, whether or not they match
--          row_limit      int             maximum number of rows
--          those of parts/matching.sql and parts/looked_up.sql
-- returns  the columns of parts/shown.sql; place text: the value that the ticket is sorted by
-- index    ticket_priority_order, assignment_once
SELECT
\ir parts/shown.sql
    , ticket.priority AS place
FROM (
    SELECT *
    FROM tickets_ticket AS ticket
    WHERE (
\ir parts/rank.sql
        , id
    ) > (%(after_rank)s::int, %(after_id)s::bigint)
    AND
\ir parts/rank.sql
    <= %(until_rank)s::int
    ORDER BY
\ir parts/rank.sql
    , id
    LIMIT %(walk)s::int
) AS ticket
WHERE
\ir parts/visible.sql
AND
\ir parts/matching.sql
AND
\ir parts/looked_up.sql
LIMIT %(row_limit)s::int;
