-- Return the query for texts that contain each word of a search, or a longer one; NULL if there is no word.
-- `is_lookup`: NULL selects all words, true only those to look up in an index, false only the others (search_terms).
CREATE OR REPLACE FUNCTION search_query(words text, is_lookup boolean DEFAULT NULL) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_agg(quote_literal(term) || ':*', ' & ')::tsquery
    FROM search_terms(words)
    WHERE is_lookup IS NULL OR is_looked_up = is_lookup;
END;
