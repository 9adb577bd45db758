-- Delete changes from the beginning of the log until the first one that is to be kept, and note how far.
-- params   before         timestamptz    changes made at this time or later are kept
--          read_until     bigint | null  changes after this position are kept as well, unless they are very old
--          unread_before  timestamptz    when the oldest of those was made
--          number         int            of changes, at most
-- returns  number  bigint       of deleted changes
-- index    changes_change_pkey
WITH oldest AS MATERIALIZED (
    SELECT position, at FROM changes_change ORDER BY position LIMIT %(number)s::int
), kept AS (
    SELECT min(position) AS position
    FROM oldest
    WHERE at >= %(before)s::timestamptz
        OR (position > %(read_until)s::bigint AND at >= %(unread_before)s::timestamptz)
), deleted AS (
    DELETE FROM changes_change
    WHERE position = ANY(ARRAY(
        SELECT position FROM oldest
        WHERE position < coalesce((SELECT position FROM kept), 9223372036854775807)
    ))
    RETURNING position
), noted AS (
    UPDATE changes_log SET purged = last.position
    FROM (SELECT max(position) AS position FROM deleted) AS last
    WHERE last.position IS NOT NULL
)
SELECT count(*) AS number FROM deleted
