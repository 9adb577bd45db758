-- Events with every word of a search in their name or venue, with the filters and the order of sql/events.sql.
-- A word that many events have fills the page from the next few events of the order, which is all that is read then.
-- Otherwise, finds all matches in the index and sorts them: a walk along the order may find none for long.
-- params   search    text   those of sql/events.sql, too
-- returns  the columns of sql/events.sql
-- index    event_created_at, event_starts_at, event_search, events_inventory_pkey
WITH next AS MATERIALIZED (
    SELECT event.*
    FROM (
        SELECT *
        FROM events_event AS event
        WHERE
\ir parts/event_position.sql
            AND (
                %(ordering)s::text <> 'starts_at'
                OR event.starts_at >= coalesce(%(starts_at)s::timestamptz, '-infinity')
                AND event.starts_at < coalesce(%(ends_at)s::timestamptz, 'infinity')
            )
\ir parts/event_order.sql
        LIMIT least(10 * %(row_limit)s::int, 1000 + %(row_limit)s::int)
    ) AS event
    JOIN events_inventory AS inventory ON inventory.event_id = event.id
    WHERE
\ir parts/event_visible.sql
    AND
\ir parts/event_matching.sql
    AND
\ir parts/event_words.sql
\ir parts/event_order.sql
    LIMIT %(row_limit)s::int
),
found AS (
    SELECT * FROM next WHERE (SELECT count(*) FROM next) = %(row_limit)s::int
    UNION ALL
    (
        SELECT event.*
        FROM (
            -- OFFSET keeps PostgreSQL from walking.
            SELECT *
            FROM events_event AS event
            WHERE
\ir parts/event_words.sql
            OFFSET 0
        ) AS event
        JOIN events_inventory AS inventory ON inventory.event_id = event.id
        WHERE (SELECT count(*) FROM next) < %(row_limit)s::int
        AND
\ir parts/event_visible.sql
        AND
\ir parts/event_matching.sql
        AND
\ir parts/event_position.sql
\ir parts/event_order.sql
        LIMIT %(row_limit)s::int
    )
)
SELECT
\ir parts/event_shown.sql
    , CASE %(ordering)s::text WHEN 'starts_at' THEN event.starts_at ELSE event.created_at END AS place
FROM found AS event
JOIN events_inventory AS inventory ON inventory.event_id = event.id
\ir parts/event_order.sql
;
