-- The tickets in a range of titles that match a search and that the viewer may see, in the order of titles.
-- PostgreSQL intersects what the indexes of titles and of words find, and fetches only the tickets that both have. It
-- prefers these indexes if it does not know how long the range is, so subqueries hide its ends.
-- params   until_title     text | null     the title that the range ends with; null: the last one
--          those of parts/after.sql, in the order of titles
--          viewer_id       bigint | null   null: a member of staff, who sees every ticket
--          row_limit       int             maximum number of rows
--          those of parts/matching.sql and parts/looked_up_once.sql
-- returns  the columns of parts/shown.sql; place text: the value that the ticket is sorted by
-- index    ticket_title_order and ticket_search
SELECT
\ir parts/shown.sql
\ir parts/place.sql
FROM (
    SELECT ticket.id
    FROM (
        SELECT id, project_id, created_by_id, created_at, updated_at, due_at, priority, title_key
        FROM tickets_ticket AS ticket
        WHERE
            title_key >= (
                SELECT coalesce(
                    search_sort_key(CASE WHEN %(is_descending)s THEN %(until_title)s::text ELSE %(after_title)s::text END),
                    ''
                )
            )
            AND title_key <= (
                SELECT coalesce(
                    search_sort_key(CASE WHEN %(is_descending)s THEN %(after_title)s ELSE %(until_title)s END),
                    (SELECT max(title_key) FROM tickets_ticket)
                )
            )
            AND
\ir parts/matching.sql
            AND
\ir parts/looked_up_once.sql
            AND
\ir parts/after.sql
        OFFSET 0
    ) AS ticket
    WHERE
\ir parts/visible_of_many.sql
\ir parts/first_found.sql
;
