-- Return the words of a text, as search_split returns them, with a mark for each that continues in another script: `~` and
-- what it begins with in ASCII, `~printer` for `printerы`. No word has this sign. The texts with longer words that begin
-- with an ASCII word then have that word and another ASCII character, or its mark: search_longer finds them.
-- Calls no function of ours: while PostgreSQL restores or analyzes a table, its search path is empty.
CREATE OR REPLACE FUNCTION search_marked(words text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF octet_length(words) = char_length(words) THEN
        -- Only ASCII.
        RETURN words;
    END IF;
    RETURN words || coalesce(
        (
            -- No word of a tsvector is longer than 2,046 bytes.
            SELECT string_agg(' ~' || left(head[1], 2045), '')
            FROM regexp_matches(words, '([a-z0-9]+)[^\u0001-\u007f]', 'g') AS head
        ),
        ''
    );
END $$;
