-- Whether the ticket meets the conditions of the list that are looked up elsewhere.
(
    %(assignee_id)s::bigint IS NULL
    OR (SELECT TRUE FROM tickets_assignment WHERE ticket_id = ticket.id AND user_id = %(assignee_id)s)
)
AND (
    %(also_assignee_id)s::bigint IS NULL
    OR (SELECT TRUE FROM tickets_assignment WHERE ticket_id = ticket.id AND user_id = %(also_assignee_id)s)
)
AND (
    coalesce(%(queue)s::text, '') <> 'unassigned'
    -- Not NOT EXISTS, for which PostgreSQL may read all assignments.
    OR (SELECT TRUE FROM tickets_assignment WHERE ticket_id = ticket.id LIMIT 1) IS NULL
)
AND (
    %(search)s::text IS NULL
    -- Subqueries, so that the words are parsed only once. The first condition can use an index.
    OR (
        ticket.search @@ (SELECT search_query(%(search)s, TRUE))
        AND coalesce(ticket.search @@ (SELECT search_query(%(search)s, FALSE)), TRUE)
    )
)
