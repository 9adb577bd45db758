-- The ranges of titles outside which no ticket matches a search, in the order of the list. See models/title_span.py.
-- params   search          text
--          after_title     text | null   the title to start after; null: from the first ticket
--          is_descending   boolean
--          most            int           how many tickets that are not noted to look at
-- returns  at most one row: starts text[], ends text[]   sort keys, both inclusive
--                           tickets bigint   how many are in the ranges, before the position and after it
--          none if any title is possible: no word is noted, or too many tickets are not
-- index    tickets_spannedword_pkey, tickets_ticket_pkey
WITH later AS MATERIALIZED (
    (
        SELECT id, title_key, search
        FROM tickets_ticket
        WHERE id > (SELECT last_id FROM tickets_titlespans)
        ORDER BY id
        LIMIT %(most)s::int + 1
    )
    UNION ALL
    SELECT ticket.id, ticket.title_key, ticket.search
    FROM (SELECT ticket_id FROM tickets_newlytitled LIMIT %(most)s + 1) AS changed
    JOIN tickets_ticket AS ticket ON ticket.id = changed.ticket_id
), known AS MATERIALIZED (
    -- An ARRAY of its own, because PostgreSQL would decompress a stored one each time.
    SELECT
        ARRAY(SELECT unnest(first_titles) FROM tickets_titlespans) AS first_titles,
        bit_and(coalesce(spans, (SELECT repeat('0', cardinality(first_titles) + 1)::bit varying FROM tickets_titlespans)))
            AS spans
    FROM search_terms(%(search)s::text)
    CROSS JOIN LATERAL (
        SELECT bit_or(spans) AS spans
        FROM tickets_spannedword
        WHERE beginning >= left(term, 4) AND beginning < left(term, 4) || U&'\+10FFFF'
    ) AS begun
    WHERE
        term !~ '^[0-9]'
        AND EXISTS (SELECT FROM tickets_titlespans)
        AND (SELECT count(*) FROM later) <= %(most)s
    HAVING count(*) > 0
), span AS (
    SELECT number
    FROM known
    CROSS JOIN generate_series(0, cardinality(first_titles)) AS number
    WHERE get_bit(spans, number) = 1
    UNION
    SELECT width_bucket(title_key, first_titles)
    FROM known
    CROSS JOIN later
    WHERE search @@ (SELECT search_query(%(search)s))
), joined AS (
    SELECT min(number) AS first_number, max(number) AS last_number
    FROM (SELECT number, number - row_number() OVER (ORDER BY number) AS range FROM span) AS numbered
    GROUP BY range
), range AS (
    SELECT
        first_number,
        CASE WHEN %(is_descending)s::boolean THEN starts_at ELSE greatest(starts_at, after) END AS starts_at,
        CASE WHEN %(is_descending)s THEN least(ends_at, after) ELSE ends_at END AS ends_at
    FROM known
    CROSS JOIN joined
    CROSS JOIN LATERAL (
        SELECT
            coalesce(first_titles[first_number], '') AS starts_at,
            coalesce(first_titles[last_number + 1], (SELECT max(title_key) FROM tickets_ticket)) AS ends_at,
            search_sort_key(%(after_title)s::text) AS after
    ) AS bound
), placed AS (
    SELECT starts_at, ends_at, first_number * CASE WHEN %(is_descending)s THEN -1 ELSE 1 END AS place
    FROM range
    WHERE starts_at <= ends_at
)
SELECT
    ARRAY(SELECT starts_at FROM placed ORDER BY place) AS starts,
    ARRAY(SELECT ends_at FROM placed ORDER BY place) AS ends,
    (SELECT count(*) FROM span) * (SELECT last_id FROM tickets_titlespans) / (cardinality(first_titles) + 1) AS tickets
FROM known;
