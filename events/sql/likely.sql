-- The events that a search is likely to mean, by name or venue: the next ones first, then the latest.
-- params   text       text
--          is_admin   bool         whether to include drafts
--          at         timestamptz
--          row_limit  int          maximum number of rows
-- returns  id bigint, name text, venue text, status text, starts_at timestamptz, time_zone text
-- index    event_search
WITH
\ir ../../kit/search/sql/parts/typed.sql
found AS MATERIALIZED (
    SELECT event.*
    FROM (
        SELECT *
        FROM events_event AS event
        WHERE search_split(search_fold(event.name || ' ' || event.venue))::tsvector @@ (SELECT beginnings FROM query)
        LIMIT 1000
    ) AS event
    WHERE
\ir parts/event_visible.sql
)
SELECT id, name, venue, status, starts_at, time_zone
FROM found
ORDER BY
    status = 'cancelled',
    starts_at < %(at)s::timestamptz,
    abs(extract(EPOCH FROM starts_at - %(at)s)),
    id
LIMIT %(row_limit)s::int;
