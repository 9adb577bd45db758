-- The tickets assigned to a user that match a search, and that the viewer may see, in order, when many have its words.
-- PostgreSQL sorts all tickets of the user from an index alone, and then looks at one after the other until there are
-- enough. It reads a materialized CTE in its order.
-- params   those of parts/after.sql
--          user_id         bigint
--          viewer_id       bigint | null   null: a member of staff, who sees every ticket
--          row_limit       int             maximum number of rows
--          those of parts/matching.sql and parts/looked_up_once.sql
-- returns  the columns of parts/shown.sql; place text: the value that the ticket is sorted by
-- index    assignment_user, ticket_by_id
WITH assigned AS MATERIALIZED (
    SELECT ticket.id
    FROM tickets_assignment AS assignment
    CROSS JOIN LATERAL (
        SELECT id, created_at, updated_at, due_at, priority, title_key
        FROM tickets_ticket AS ticket
        WHERE id = assignment.ticket_id
        AND
\ir parts/matching.sql
        AND
\ir parts/after.sql
        OFFSET 0
    ) AS ticket
    WHERE assignment.user_id = %(user_id)s::bigint
    ORDER BY
\ir parts/in_order.sql
)
SELECT
\ir parts/shown.sql
\ir parts/place.sql
FROM assigned
CROSS JOIN LATERAL (
    SELECT *
    FROM tickets_ticket AS ticket
    WHERE id = assigned.id
    AND
\ir parts/visible.sql
    AND
\ir parts/looked_up.sql
    OFFSET 0
) AS ticket
LIMIT %(row_limit)s::int;
