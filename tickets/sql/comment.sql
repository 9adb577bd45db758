-- One comment, if the viewer may read it and see its ticket.
-- params   comment_id   bigint
--          viewer_id    bigint | null   null: a member of staff, who sees every ticket
--          viewer_type  text            customer, agent or admin
-- returns  at most one row: the columns of parts/comment.sql
-- index    tickets_comment_pkey, tickets_ticket_pkey
SELECT
\ir parts/comment.sql
FROM tickets_comment AS comment
JOIN accounts_user AS author ON author.id = comment.author_id
JOIN tickets_ticket AS ticket ON ticket.id = comment.ticket_id
WHERE comment.id = %(comment_id)s::bigint
AND comment_is_readable(comment.is_internal, %(viewer_type)s::text)
AND
\ir parts/visible.sql
;
