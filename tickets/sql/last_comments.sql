-- The last comments on a ticket that the viewer may read, newest first, until their messages exceed a size.
-- params   ticket_id    bigint
--          viewer_id    bigint | null   null: a member of staff, who sees every ticket
--          viewer_type  text            customer, agent or admin
--          before_id    bigint          only comments before this one
--          row_limit    int             maximum number of comments
--          most_bytes   bigint          the comment with which the messages exceed this size is the last
-- returns  the columns of parts/comment.sql; none if the viewer may not see the ticket
-- index    tickets_ticket_pkey, comment_of_ticket
SELECT
\ir parts/comment.sql
FROM (
    SELECT *, sum(octet_length(message)) OVER (ORDER BY id DESC ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS before
    FROM (
        SELECT *
        FROM tickets_comment
        WHERE ticket_id = (
                SELECT ticket.id
                FROM tickets_ticket AS ticket
                WHERE ticket.id = %(ticket_id)s::bigint
                AND
\ir parts/visible.sql
            )
            AND id < %(before_id)s::bigint
            AND comment_is_readable(is_internal, %(viewer_type)s::text)
        ORDER BY id DESC
        LIMIT %(row_limit)s::int
    ) AS last
) AS comment
JOIN accounts_user AS author ON author.id = comment.author_id
WHERE coalesce(comment.before, 0) <= %(most_bytes)s::bigint
ORDER BY comment.id DESC;
