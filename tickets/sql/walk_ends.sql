-- Whether a walk along some tickets in order reaches the last one.
-- params   those of parts/after.sql
--          walk            int
-- returns  one row: walk_ends boolean
-- index    that of the order
SELECT NOT EXISTS (
    SELECT
    FROM tickets_ticket AS ticket
    WHERE
\ir parts/after.sql
    ORDER BY
\ir parts/in_order.sql
    OFFSET %(walk)s::int
    LIMIT 1
) AS walk_ends;
