-- The records of a type that have changed since a time, the least recent change first.
-- params   type       text
--          since      timestamptz
--          after      timestamptz   the position to start after; '-infinity': with the first
--          after_id   bigint
--          row_limit  int           maximum number of rows
-- returns  id bigint; at timestamptz
-- index    activity_order
SELECT object_id AS id, at
FROM activity_activity
WHERE type = %(type)s::text
    AND at >= %(since)s::timestamptz
    AND (at, object_id) > (%(after)s::timestamptz, %(after_id)s::bigint)
ORDER BY at, object_id
LIMIT %(row_limit)s::int
