-- The tickets that match a filter and that the viewer may see, in order, when there are few.
-- PostgreSQL finds all matches by the index that fits the parameters best, and sorts them. OFFSET 0 keeps it from
-- walking along the order instead, and from choosing the index by the cost of finding out who may see a ticket.
-- params   those of parts/after.sql
--          viewer_id       bigint | null   null: a member of staff, who sees every ticket
--          row_limit       int             maximum number of rows
--          those of parts/matching.sql and parts/looked_up_once.sql
-- returns  the columns of parts/shown.sql; place text: the value that the ticket is sorted by
-- index    the one of the most selective condition
SELECT
\ir parts/shown.sql
\ir parts/place.sql
FROM (
    SELECT ticket.id
    FROM (
        SELECT id, project_id, created_by_id, created_at, updated_at, due_at, priority, title_key
        FROM tickets_ticket AS ticket
        WHERE
\ir parts/matching.sql
        AND
\ir parts/looked_up_once.sql
        -- COALESCE keeps PostgreSQL from reading half of the order's index beside another one.
        AND coalesce(
\ir parts/after.sql
            , FALSE
        )
        OFFSET 0
    ) AS ticket
    WHERE
\ir parts/visible_of_many.sql
\ir parts/first_found.sql
;
