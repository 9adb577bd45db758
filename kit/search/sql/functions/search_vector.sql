-- Return the words of a text, for an index.
CREATE OR REPLACE FUNCTION search_vector(words text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 200
    RETURN search_split(search_fold(words))::tsvector;
