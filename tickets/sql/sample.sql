-- What a random sample of tickets says about a search in the order of titles.
-- params   pages           int            how many pages of the table to read
--          those of parts/after.sql, in the order of titles
--          viewer_id       bigint | null  null: a member of staff, who sees every ticket
--          row_limit       int            how many tickets the list needs
--          those of parts/matching.sql and parts/looked_up.sql
-- returns  one row: first_title text | null  the sort key of the first ticket of the list in the sample
--                   first_id bigint | null
--                   until_title text | null  that of the last one that the list needs; null: the sample has too few
--                   with_words int           how many tickets of the sample contain the words
--                   in_range int             how many come after the position and not after until_title
--                   in_range_with_words int  how many of these contain the words
-- index    none
WITH sampled AS MATERIALIZED (
    SELECT
        created_at,
        updated_at,
        due_at,
        priority,
        title_key,
        id,
        has_words,
        is_after,
        has_words AND is_after
        AND
\ir parts/visible.sql
        AND
\ir parts/matching.sql
        AS is_match
    FROM tickets_ticket AS ticket
    TABLESAMPLE SYSTEM (
        least(
            100,
            100.0 * %(pages)s::int * current_setting('block_size')::int
            / greatest(1, pg_relation_size('tickets_ticket'))
        )
    )
    CROSS JOIN LATERAL (
        SELECT
            (
\ir parts/looked_up.sql
            ) AS has_words,
            (
\ir parts/after.sql
            ) AS is_after
        OFFSET 0
    ) AS known
), match AS (
    SELECT title_key, id, row_number() OVER (ORDER BY
\ir parts/in_order.sql
    ) AS place
    FROM sampled AS ticket
    WHERE is_match
), until AS (
    SELECT title_key FROM match WHERE place = %(row_limit)s::int
), counted AS (
    SELECT
        has_words,
        is_after
        AND CASE
            WHEN %(is_descending)s THEN coalesce(title_key >= (SELECT title_key FROM until), TRUE)
            ELSE coalesce(title_key <= (SELECT title_key FROM until), TRUE)
        END AS is_in_range
    FROM sampled
)
SELECT
    (SELECT title_key FROM match WHERE place = 1) AS first_title,
    (SELECT id FROM match WHERE place = 1) AS first_id,
    (SELECT title_key FROM until) AS until_title,
    count(*) FILTER (WHERE has_words) AS with_words,
    count(*) FILTER (WHERE is_in_range) AS in_range,
    count(*) FILTER (WHERE is_in_range AND has_words) AS in_range_with_words
FROM counted;
