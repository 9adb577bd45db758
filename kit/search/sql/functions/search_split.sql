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
