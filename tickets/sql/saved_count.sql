-- How many tickets a saved filter finds for a member of staff, who sees every ticket. The count stops at `most`.
-- PostgreSQL plans the statement with its parameters, and chooses the index of the most selective condition. What is
-- assigned to a user is an array, which it can look up in an index even within an OR.
-- params   most   int   where the count stops
--          walk   int   how many assignments of a user to look at, the newest first
--          those of parts/matching.sql and parts/looked_up_once.sql
-- returns  one row: number bigint
-- index    the one of the most selective condition
SELECT count(*) AS number
FROM (
    SELECT
    FROM tickets_ticket AS ticket
    WHERE (
        %(assignee_id)s::bigint IS NULL
        OR ticket.id = ANY (ARRAY(
            SELECT ticket_id
            FROM tickets_assignment
            WHERE user_id = %(assignee_id)s
            ORDER BY ticket_id DESC
            LIMIT %(walk)s::int
        ))
    )
    AND
\ir parts/matching.sql
    AND
\ir parts/looked_up_once.sql
    LIMIT %(most)s::int
) AS counted;
