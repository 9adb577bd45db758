-- Whether a walk through ranges of titles reaches their end.
-- params   starts, ends   text[]          sort keys, both inclusive
--          walked_venue   text | null
--          walked_type    text | null
--          walked_project bigint | null   the walk is among tickets alike in this
--          walk           int
-- returns  one row: titles_end boolean
-- index    ticket_title_order, or the one of tickets that are alike
SELECT NOT EXISTS (
    SELECT
    FROM unnest(%(starts)s::text[], %(ends)s::text[]) AS range (starts_at, ends_at)
    CROSS JOIN LATERAL (
        SELECT
        FROM tickets_ticket
        WHERE
            title_key BETWEEN range.starts_at AND range.ends_at
            AND (%(walked_venue)s::text IS NULL OR venue = %(walked_venue)s)
            AND (%(walked_type)s::text IS NULL OR type = %(walked_type)s)
            AND (%(walked_project)s::bigint IS NULL OR project_id = %(walked_project)s)
        LIMIT %(walk)s::int + 1
    ) AS ticket
    OFFSET %(walk)s
    LIMIT 1
) AS titles_end;
