-- The first comments on each of some tickets that a viewer of theirs may read, oldest first, as far as their text fits.
-- params   ids          bigint[]
--          viewer_type  text       customer, agent or admin
--          row_limit    int        maximum number of comments on each ticket
--          most_bytes   int        of all text of a ticket's comments, as JSON; the first comment may be longer
-- returns  ticket_id bigint; has_more bool: there are others; the columns of parts/comment.sql
-- index    comment_of_ticket, accounts_user_pkey
SELECT
    comment.ticket_id,
    comment.place < comment.found AND comment.place = max(comment.place) OVER (PARTITION BY comment.ticket_id) AS has_more,
\ir parts/comment.sql
FROM unnest(%(ids)s::bigint[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT
        first.*,
        row_number() OVER (ORDER BY first.id) AS place,
        sum(octet_length(to_json(first.message)::text)) OVER (ORDER BY first.id) AS size,
        count(*) OVER () AS found
    FROM (
        SELECT *
        FROM tickets_comment
        WHERE ticket_id = wanted.id AND comment_is_readable(is_internal, %(viewer_type)s::text)
        ORDER BY id
        LIMIT %(row_limit)s::int + 1
    ) AS first
) AS comment
JOIN accounts_user AS author ON author.id = comment.author_id
WHERE comment.place = 1 OR (comment.place <= %(row_limit)s AND comment.size <= %(most_bytes)s::int)
ORDER BY comment.ticket_id, comment.id
