-- The tickets assigned to a user, or created by one, that match a filter and that the viewer may see, in order.
-- OFFSET 0 makes PostgreSQL look up each ticket by its id. It would read all tickets if it expected many.
-- params   those of parts/after.sql
--          user_id         bigint
--          creator_id      bigint | null   null: only those assigned
--          viewer_id       bigint | null   null: a member of staff, who sees every ticket
--          row_limit       int             maximum number of rows
--          those of parts/matching.sql and parts/looked_up_once.sql
-- returns  the columns of parts/shown.sql; place text: the value that the ticket is sorted by
-- index    assignment_user, ticket_creator, ticket_by_id
SELECT
\ir parts/shown.sql
\ir parts/place.sql
FROM (
    SELECT ticket.id
    FROM (
        SELECT ticket_id AS id FROM tickets_assignment WHERE user_id = %(user_id)s::bigint
        UNION
        SELECT id FROM tickets_ticket WHERE created_by_id = %(creator_id)s::bigint
    ) AS involving
    CROSS JOIN LATERAL (
        SELECT id, created_at, updated_at, due_at, priority, title_key
        FROM tickets_ticket AS ticket
        WHERE id = involving.id
        AND
\ir parts/visible.sql
        AND
\ir parts/matching.sql
        AND
\ir parts/looked_up_once.sql
        AND
\ir parts/after.sql
        OFFSET 0
    ) AS ticket
\ir parts/first_found.sql
;
