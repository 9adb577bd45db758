-- Return whether a ticket can have these labels: at most 20 different ones of at most 50 characters, in lower case, trimmed
-- and composed, without commas, which separate labels in the admin, and control characters.
CREATE OR REPLACE FUNCTION labels_are_valid(labels text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(array_ndims(labels), 1) = 1 AND cardinality(labels) <= 20 AND (
        SELECT count(DISTINCT label) = count(*) AND coalesce(bool_and(
            label IS NOT NULL
            AND length(label) BETWEEN 1 AND 50
            AND label = lower(trim(label))
            AND label IS NFC NORMALIZED
            AND label !~ '[[:cntrl:],]'
        ), TRUE)
        FROM unnest(labels) AS label
    );
