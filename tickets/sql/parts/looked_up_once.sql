-- The same as looked_up.sql where PostgreSQL plans the statement with its parameters: it then knows how common the words
-- are, and chooses between their index and another one.
-- params   are_whole  boolean   whether few tickets have longer words that begin with those of the search. Looking up the
--                               words as they are and the longer ones separately is then faster. COALESCE keeps
--                               PostgreSQL from looking up both together as well.
--          looks_up_words  boolean   whether to use the index of words, rather than to test the tickets that meet the
--                                    other conditions.
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
    OR CASE WHEN NOT %(looks_up_words)s::boolean THEN
        coalesce(ticket.search @@ search_query(%(search)s::text, TRUE), FALSE)
        AND coalesce(ticket.search @@ search_query(%(search)s::text, FALSE), TRUE)
    WHEN %(are_whole)s::boolean THEN
        (ticket.search @@ search_whole(%(search)s::text) OR ticket.search @@ search_longer(%(search)s::text))
        AND coalesce(ticket.search @@ search_query(%(search)s::text), FALSE)
    ELSE
        ticket.search @@ search_query(%(search)s::text, TRUE)
        AND coalesce(ticket.search @@ search_query(%(search)s::text, FALSE), TRUE)
    END
)
