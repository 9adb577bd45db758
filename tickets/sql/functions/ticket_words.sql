-- Return the words of a text: runs of letters and digits. Used by the search column and by searches. Everything else is
-- removed before parsing: PostgreSQL's parser would keep addresses, numbers and paths whole, so that their parts could
-- not be found, and what it counts as a letter depends on the locale of the database.
CREATE OR REPLACE FUNCTION ticket_words(words text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_tsvector(
        'pg_catalog.simple'::regconfig,
        regexp_replace(
            normalize(words),
            '[!-/:-@\[-`{-~'
            -- Latin; Arabic, Indian
            '\u0080-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965'
            -- quotes, dashes, currencies; arrows, signs, shapes
            '\u2000-\u20cf\u2190-\u2bff\u2e00-\u2e7f'
            -- Chinese, Japanese; presentation forms; emoji
            '\u3000-\u3004\u3008-\u3020\u3030\u30fb\ufe00-\ufe1f\ufe30-\ufe6f'
            '\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff\U0001f000-\U0001faff]+',
            ' ',
            'g'
        )
    );
