-- The next tickets by title, from Z to A, in some ranges of titles, that match a filter and that the viewer may see.
-- params   starts, ends   text[]          sort keys, both inclusive, in the order of the list
--          after_title    text | null     the title to start after; null: from the first ticket
--          after_id       bigint
--          walked_venue   text | null
--          walked_type    text | null
--          walked_project bigint | null   the walk is among tickets alike in this
--          viewer_id      bigint | null   null: a member of staff, who sees every ticket
--          walk           int             how many tickets to look at, whether or not they match
--          row_limit      int             maximum number of rows
--          those of parts/matching.sql and parts/looked_up.sql
-- returns  the columns of parts/shown.sql; place text: the value that the ticket is sorted by
-- index    ticket_title_order, assignment_once
SELECT
\ir parts/shown.sql
    , ticket.title AS place
FROM (
    SELECT ticket.*
    -- PostgreSQL reads one range after the other.
    FROM unnest(%(starts)s::text[], %(ends)s::text[]) AS range (starts_at, ends_at)
    CROSS JOIN LATERAL (
        SELECT *
        FROM tickets_ticket
        WHERE
            -- A comparison of rows, because PostgreSQL takes a BETWEEN for so few titles that it sorts them.
            (title_key, id) >= (range.starts_at, 0) AND title_key <= range.ends_at
            -- COALESCE keeps PostgreSQL from beginning there in each range.
            AND coalesce((title_key, id) < (search_sort_key(%(after_title)s::text), %(after_id)s::bigint), TRUE)
            -- Where tickets are alike in one of these, their titles have an index of their own.
            AND (%(walked_venue)s::text IS NULL OR venue = %(walked_venue)s)
            AND (%(walked_type)s::text IS NULL OR type = %(walked_type)s)
            AND (%(walked_project)s::bigint IS NULL OR project_id = %(walked_project)s)
        ORDER BY title_key DESC, id DESC
        LIMIT %(walk)s::int
    ) AS ticket
    LIMIT %(walk)s
) AS ticket
WHERE
\ir parts/visible.sql
AND
\ir parts/matching.sql
AND
\ir parts/looked_up.sql
LIMIT %(row_limit)s::int;
