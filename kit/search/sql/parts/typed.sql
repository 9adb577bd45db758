-- A CTE with two queries for a text that somebody types: `beginnings` of words, as in search_query, and `words`, of which
-- all but the last are complete. An index finds complete words fast, however frequent they are.
query AS MATERIALIZED (
    SELECT
        search_query(%(text)s::text) AS beginnings,
        (
            SELECT string_agg(
                quote_literal(word)
                || CASE WHEN place = last_place OR octet_length(word) <> char_length(word) THEN ':*' ELSE '' END,
                ' & '
            )::tsquery
            FROM (
                SELECT word, place, max(place) OVER () AS last_place
                FROM string_to_table(search_split(search_fold(%(text)s)), ' ') WITH ORDINALITY AS each (word, place)
                WHERE word <> ''
            ) AS word
        ) AS words
),
