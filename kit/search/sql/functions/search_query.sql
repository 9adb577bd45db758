-- Return the query for texts that contain each word of a search, or a longer one; NULL if there is no word.
-- `is_lookup`: NULL selects all words, true those to look up in an index, false the others, which are checked against
-- what the index finds: looking up many words takes long.
CREATE OR REPLACE FUNCTION search_query(words text, is_lookup boolean DEFAULT NULL) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_agg(quote_literal(term) || ':*', ' & ')::tsquery
    FROM (
        SELECT term, row_number() OVER () <= 4 AND is_selective = bool_or(is_selective) OVER () AS is_looked_up
        FROM search_terms(words)
    ) AS each_term
    WHERE is_lookup IS NULL OR is_looked_up = is_lookup;
END;
