-- The next tickets in order of creation, oldest first, that match a filter and that the viewer may see.
-- params   after_date     timestamptz     the position to start after: the sort key of a ticket, or an end of the order
--          after_id       bigint
--          until_date     timestamptz     where the walk ends
--          viewer_id      bigint | null    null: a member of staff, who sees every ticket
--          is_missed      boolean         the walk is among tickets that missed their deadline; planned with it if true
--          walk           int             how many tickets to look at, whether or not they match
--          row_limit      int             maximum number of rows
--          those of parts/matching.sql and parts/looked_up.sql
-- returns  the columns of parts/shown.sql; place text: the value that the ticket is sorted by
-- index    ticket_created_at, ticket_sla_met, assignment_once
SELECT
\ir parts/shown.sql
    , ticket.created_at::text AS place
FROM (
    SELECT *
    FROM tickets_ticket
    WHERE
        (created_at, id) > (%(after_date)s::timestamptz, %(after_id)s::bigint)
        AND created_at < %(until_date)s::timestamptz
        -- An index lists those that missed their deadline.
        AND (NOT %(is_missed)s::boolean OR NOT sla_met)
    ORDER BY created_at, id
    LIMIT %(walk)s::int
) AS ticket
WHERE
\ir parts/visible.sql
AND
\ir parts/matching.sql
AND
\ir parts/looked_up.sql
LIMIT %(row_limit)s::int;
