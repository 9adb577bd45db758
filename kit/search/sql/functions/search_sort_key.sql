-- Return what names and titles are sorted by. Cut off, since folding can lengthen a text to more than an index can hold.
CREATE OR REPLACE FUNCTION search_sort_key(name text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN left(search_fold(name), 255);
