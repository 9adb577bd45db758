"""The functions in sql/, as they were when this was written."""

from django.db import migrations

SEARCH_MARKED = r"""
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
"""

SEARCH_WHOLE = r"""
-- Return the query for texts that contain the looked-up words of a search (search_terms) as they are. An index finds those
-- several times as fast as it finds longer words, too. A word that is not in ASCII stands for longer ones all the same.
CREATE OR REPLACE FUNCTION search_whole(words text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_agg(
        quote_literal(term) || CASE WHEN octet_length(term) = char_length(term) THEN '' ELSE ':*' END, ' & '
    )::tsquery
    FROM search_terms(words)
    WHERE is_looked_up;
END;
"""

SEARCH_LONGER = r"""
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
"""


class Migration(migrations.Migration):
    dependencies = [("search", "0002_drop_search_vector")]

    operations = [
        migrations.RunSQL(SEARCH_MARKED, "DROP FUNCTION search_marked"),
        migrations.RunSQL(SEARCH_WHOLE, "DROP FUNCTION search_whole"),
        migrations.RunSQL(SEARCH_LONGER, "DROP FUNCTION search_longer"),
    ]
