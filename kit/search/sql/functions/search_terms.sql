-- Return the words of a search, each once, the most selective first. A word that begins another is left out: a text with
-- the longer one has both. `is_looked_up`: is one of up to four to look up in an index; the others are checked against
-- what those find. Words of one or two letters begin too many others, and looking up many words takes long.
CREATE OR REPLACE FUNCTION search_terms(words text) RETURNS TABLE (term text, is_looked_up boolean)
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    WITH word AS (
        SELECT term, lead(term) OVER (ORDER BY term COLLATE "C") AS next_term
        FROM (SELECT DISTINCT string_to_table(search_split(search_fold(words)), ' ') AS term) AS each_word
        WHERE term <> ''
    ), ranked AS (
        SELECT
            term,
            is_selective,
            -- In bytes, since a word in another script can be short and still selective.
            row_number() OVER (ORDER BY is_selective DESC, octet_length(term) DESC, term COLLATE "C") AS rank
        FROM word
        CROSS JOIN LATERAL (SELECT octet_length(term) > 2 AND char_length(term) > 1) AS length (is_selective)
        WHERE next_term IS NULL OR NOT starts_with(next_term, term)
    )
    SELECT term, rank <= 4 AND is_selective = bool_or(is_selective) OVER ()
    FROM ranked
    ORDER BY rank;
END;
