-- Return the query for texts with a word that is longer than one of the looked-up words of a search and begins with it. With
-- search_whole, it finds at least what search_query finds, if the texts have the marks of search_marked. NULL if there is
-- nothing to find: search_whole finds the longer words unless the shorter one is in ASCII.
CREATE OR REPLACE FUNCTION search_longer(words text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_agg(quote_literal('~' || term) || ' | ' || continued, ' | ')::tsquery
    FROM search_terms(words)
    CROSS JOIN LATERAL (
        SELECT string_agg(quote_literal(term || sign) || ':*', ' | ') AS continued
        -- All that a word in ASCII can consist of.
        FROM string_to_table('0123456789abcdefghijklmnopqrstuvwxyz+#', NULL) AS sign
    ) AS longer
    WHERE is_looked_up AND octet_length(term) = char_length(term);
END;
