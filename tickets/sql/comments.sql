-- The next comments on a ticket that the viewer may read, oldest first, if they may see the ticket.
-- params   ticket_id    bigint
--          viewer_id    bigint | null   null: a member of staff, who sees every ticket
--          viewer_type  text            customer, agent or admin
--          after_id     bigint          the last comment on the previous page; 0: start with the first
--          row_limit    int             maximum number of comments
-- returns  the columns of parts/comment.sql; a single row of nulls if there are no comments, no row without the ticket
-- index    tickets_ticket_pkey, comment_of_ticket
SELECT comment.*
FROM tickets_ticket AS ticket
LEFT JOIN LATERAL (
    SELECT
\ir parts/comment.sql
    FROM tickets_comment AS comment
    JOIN accounts_user AS author ON author.id = comment.author_id
    WHERE comment.ticket_id = ticket.id
        AND comment.id > %(after_id)s::bigint
        AND comment_is_readable(comment.is_internal, %(viewer_type)s::text)
    ORDER BY comment.id
    LIMIT %(row_limit)s::int
) AS comment ON TRUE
WHERE ticket.id = %(ticket_id)s::bigint
AND
\ir parts/visible.sql
ORDER BY comment.id;
