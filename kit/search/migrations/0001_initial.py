"""The functions in sql/, as they were when this was written."""

from django.db import migrations

SEARCH_FOLD = r"""
-- Return a text without what searching and sorting ignore: case, accents and other marks, and compatibility forms
-- (ligatures, full-width letters, superscripts). Letters that do not decompose are replaced by the usual plain ones.
CREATE OR REPLACE FUNCTION search_fold(words text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    ignored CONSTANT text :=
        -- accents (Latin, Greek, Cyrillic); vowel points of Hebrew and Arabic, tatweel
        '[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640'
        '\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed'
        '\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f'
        -- invisible: soft hyphen, joiners, directions; variants of emoji and their skin tones
        '\u00ad\u061c\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff'
        '\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]+';
    plain text;
BEGIN
    IF octet_length(words) = char_length(words) THEN
        -- Only ASCII.
        RETURN lower(words);
    END IF;
    -- Composed again, because Hangul, kana and Indic letters decompose as well.
    plain := lower(normalize(regexp_replace(normalize(words, NFKD), ignored, '', 'g'), NFC));
    plain := replace(replace(replace(replace(plain, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
    RETURN translate(plain, 'øđðħıłŋŧς', 'oddhilntσ');
END $$;
"""

SEARCH_SPLIT = r"""
-- Return the words of a folded text, separated by spaces: runs of letters and digits, with the signs of `c++` and `c#`.
-- A run of CJK characters, emoji or symbols has no words: it yields all its pairs and its last character, so that any
-- part of it can be found. The ranges are spelled out because what [[:alpha:]] contains depends on the database's locale.
-- Calls no function of ours: while PostgreSQL restores or analyzes a table, its search path is empty.
CREATE OR REPLACE FUNCTION search_split(folded text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    punctuation CONSTANT text :=
        -- ASCII, without # and +; Latin
        '\u0001-"$-*,-/:-@\[-`{-\u00a1\u00a7\u00ab\u00b6\u00b7\u00bb\u00bf'
        -- Greek, Armenian, Hebrew, Arabic, Indic, Thai, Tibetan, Georgian, Ethiopic, Ogham, Khmer, Mongolian
        '\u037e\u0387\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0609\u060a\u060c\u060d\u061b-\u061f'
        '\u066a-\u066d\u06d4\u0700-\u070d\u0964\u0965\u0970\u0df4\u0e4f\u0e5a\u0e5b\u0f04-\u0f12\u0f3a-\u0f3d'
        '\u104a-\u104f\u10fb\u1360-\u1368\u1400\u1680\u169b\u169c\u17d4-\u17da\u1800-\u180e'
        -- spaces, dashes and quotes; brackets among the symbols; CJK; private use
        '\u2000-\u206f\u2308-\u230b\u2329\u232a\u2768-\u2775\u27c5\u27c6\u27e6-\u27ef\u2983-\u2998\u29d8-\u29db\u29fc\u29fd'
        '\u2cf9-\u2cff\u2e00-\u2e7f\u3000-\u3003\u3008-\u3011\u3014-\u301f\u3030\u303d\u30a0\u30fb\ue000-\uf8ff'
        '\ufe10-\ufe1f\ufe30-\ufe6f\ufff0-\uffff';
    unseparated CONSTANT text :=
        -- signs; currencies, arrows, mathematics, shapes, dingbats
        '\u00a2-\u00a6\u00a9\u00ac\u00ae-\u00b1\u00b4\u00b8\u00d7\u00f7\u03f6\u0482\u058d-\u058f\u0606-\u0608\u060b\u060e\u060f'
        '\u06de\u06e9\u0e3f\u20a0-\u20cf\u2114-\u214d\u218a-\u2bff'
        -- Hangul; radicals, kana, bopomofo, Han, Yi
        '\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff\u2e80-\u2fff\u3004-\u4dff\u4e00-\ua4cf\uf900-\ufaff'
        -- kana, musical signs, emoji, Han
        '\U0001aff0-\U0001b16f\U0001d000-\U0001d24f\U0001f000-\U0001fbff\U00020000-\U0003ffff';
    -- 65,536 characters are three times the longest description; a tsvector holds 1 MB.
    found text := left(regexp_replace(folded, '[' || punctuation || ']+', ' ', 'g'), 65536);
BEGIN
    IF strpos(found, '+') > 0 OR strpos(found, '#') > 0 THEN
        found := regexp_replace(
            found, '((?<=[^ +#])\+\+|(?<=[^ +#])#(?![^ +#]))|\+|(?<![^ +#])#|#(?=[^ +#])', '\1 ', 'g'
        );
    END IF;
    IF octet_length(found) > char_length(found) AND found ~ ('[' || unseparated || ']') THEN
        DECLARE
            pair CONSTANT text := '([' || unseparated || ']{1,2})';
            first_of_run CONSTANT text := '(^|[^' || unseparated || '])[' || unseparated || ']';
        BEGIN
            -- The pairs from the first character of each run on, and those from the second.
            found := regexp_replace(found, pair, ' \1 ', 'g') || ' '
                || regexp_replace(regexp_replace(found, first_of_run, '\1 ', 'g'), pair, ' \1 ', 'g');
        END;
    END IF;
    IF octet_length(found) > 2046 THEN
        -- No word of a tsvector is longer than 2,046 bytes.
        found := regexp_replace(found, '([^ ]{255})[^ ]+', '\1', 'g');
    END IF;
    RETURN found;
END $$;
"""

SEARCH_VECTOR = r"""
-- Return the words of a text, for an index.
CREATE OR REPLACE FUNCTION search_vector(words text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 200
    RETURN search_split(search_fold(words))::tsvector;
"""

SEARCH_TERMS = r"""
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
"""

SEARCH_QUERY = r"""
-- Return the query for texts that contain each word of a search, or a longer one; NULL if there is no word.
-- `is_lookup`: NULL selects all words, true only those to look up in an index, false only the others (search_terms).
CREATE OR REPLACE FUNCTION search_query(words text, is_lookup boolean DEFAULT NULL) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_agg(quote_literal(term) || ':*', ' & ')::tsquery
    FROM search_terms(words)
    WHERE is_lookup IS NULL OR is_looked_up = is_lookup;
END;
"""

SEARCH_SORT_KEY = r"""
-- Return what names and titles are sorted by. Cut off, since folding can lengthen a text to more than an index can hold.
CREATE OR REPLACE FUNCTION search_sort_key(name text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN left(search_fold(name), 255);
"""


class Migration(migrations.Migration):
    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.RunSQL(SEARCH_FOLD, "DROP FUNCTION search_fold"),
        migrations.RunSQL(SEARCH_SPLIT, "DROP FUNCTION search_split"),
        migrations.RunSQL(SEARCH_VECTOR, "DROP FUNCTION search_vector"),
        migrations.RunSQL(SEARCH_TERMS, "DROP FUNCTION search_terms"),
        migrations.RunSQL(SEARCH_QUERY, "DROP FUNCTION search_query"),
        migrations.RunSQL(SEARCH_SORT_KEY, "DROP FUNCTION search_sort_key"),
    ]
