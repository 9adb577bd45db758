-- Return the words of a search, each once, the most selective first. A word that begins another is left out: a text with
-- the longer one has both. `is_selective`: has more than one or two letters, which begin too many of the indexed words.
CREATE OR REPLACE FUNCTION search_terms(words text) RETURNS TABLE (term text, is_selective boolean)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    WITH word AS (
        SELECT term, lead(term) OVER (ORDER BY term COLLATE "C") AS next_term
        FROM (SELECT DISTINCT string_to_table(search_split(search_fold(words)), ' ') AS term) AS each_word
        WHERE term <> ''
    )
    SELECT term, octet_length(term) > 2 AND char_length(term) > 1 AS is_selective
    FROM word
    WHERE next_term IS NULL OR NOT starts_with(next_term, term)
    -- In bytes, since a word in another script can be short and still selective.
    ORDER BY is_selective DESC, octet_length(term) DESC, term COLLATE "C";
END;
