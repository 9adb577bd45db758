-- The tickets that staff are most likely to mean by a search: among the newest that match, those with the words in the
-- title, then those that are not closed, then the newest. Staff see every ticket.
-- A walk finds frequent words, an index rare ones; there, all words but the last have to be complete.
-- params   text       text
--          walk       int   number of tickets to walk past, newest first
--          row_limit  int   maximum number of rows
-- returns  id bigint, title text, status text, priority text, created_at timestamptz, creator text
-- index    ticket_created_at, ticket_search
WITH
\ir ../../kit/search/sql/parts/typed.sql
near AS MATERIALIZED (
    SELECT id, created_at
    FROM (
        SELECT id, created_at, search
        FROM tickets_ticket
        ORDER BY created_at DESC, id DESC
        LIMIT %(walk)s::int
    ) AS newest
    WHERE search @@ (SELECT beginnings FROM query)
    LIMIT 5 * %(row_limit)s::int
),
far AS MATERIALIZED (
    SELECT id, created_at
    FROM (
        -- Without an order, so that the index is used.
        SELECT id, created_at
        FROM tickets_ticket
        WHERE (SELECT count(*) FROM near) < %(row_limit)s AND search @@ (SELECT words FROM query)
        LIMIT 5000
    ) AS indexed
    ORDER BY created_at DESC, id DESC
    LIMIT 5 * %(row_limit)s
)
SELECT ticket.id, ticket.title, ticket.status, ticket.priority, ticket.created_at, person.name AS creator
FROM (SELECT id FROM near UNION SELECT id FROM far) AS found
JOIN tickets_ticket AS ticket ON ticket.id = found.id
JOIN accounts_user AS person ON person.id = ticket.created_by_id
ORDER BY
    coalesce(search_split(ticket.title_key)::tsvector @@ (SELECT beginnings FROM query), FALSE) DESC,
    ticket.status = 'closed',
    ticket.created_at DESC,
    ticket.id DESC
LIMIT %(row_limit)s;
