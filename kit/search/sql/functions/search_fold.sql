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
