-- Comments with the given ids, for those who may read all of them.
-- params   ids  bigint[]
-- returns  the columns of parts/comment.sql
-- index    tickets_comment_pkey
SELECT
\ir parts/comment.sql
FROM tickets_comment AS comment
JOIN accounts_user AS author ON author.id = comment.author_id
WHERE comment.id = ANY(%(ids)s::bigint[]);
