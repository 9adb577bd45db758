-- A time as the API writes it: 2024-08-01T18:00:00Z, with milliseconds unless they are zero. kit.web.fields.utc_text
-- returns the same.
CREATE OR REPLACE FUNCTION kit_utc_text(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN replace(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z');
