-- The users who watch these tickets and may see them.
-- params   ticket_ids  bigint[]
-- returns  ticket_id, user_id bigint
-- index    watch_once, and those of functions/tickets_watchers.sql
SELECT ticket_id, user_id
FROM unnest(%(ticket_ids)s::bigint[]) AS ticket_id
CROSS JOIN LATERAL tickets_watchers(ticket_id) AS user_id
ORDER BY ticket_id, user_id;
