-- The ids of matching tickets that only those involved see, the viewer among them: found by indexes alone.
        SELECT id
        FROM tickets_ticket
        WHERE created_by_id = %(viewer_id)s
            AND
\ir matching_restricted.sql
        UNION
        SELECT id
        FROM tickets_ticket
        WHERE id = ANY (ARRAY(SELECT ticket_id FROM tickets_assignment WHERE user_id = %(viewer_id)s))
            AND
\ir matching_restricted.sql
