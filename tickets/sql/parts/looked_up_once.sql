-- The same as looked_up.sql where PostgreSQL plans the statement with its parameters: it then knows how common the words
-- are, and chooses between their index and another one.
(
    %(assignee_id)s::bigint IS NULL
    OR (SELECT TRUE FROM tickets_assignment WHERE ticket_id = ticket.id AND user_id = %(assignee_id)s)
)
AND (
    %(search)s::text IS NULL
    OR (
        ticket.search @@ search_query(%(search)s::text, TRUE)
        AND coalesce(ticket.search @@ search_query(%(search)s::text, FALSE), TRUE)
    )
)
