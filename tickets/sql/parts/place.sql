-- The value that a ticket is sorted by, which its position in a cursor consists of.
    , CASE %(ordering)s::text
        WHEN 'created_at' THEN ticket.created_at::text
        WHEN 'updated_at' THEN ticket.updated_at::text
        WHEN 'due_at' THEN ticket.due_at::text
        WHEN 'priority' THEN ticket.priority
        WHEN 'title' THEN ticket.title
    END AS place
