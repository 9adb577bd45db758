-- The newest change of each type after a position.
-- params   after     bigint
-- returns  a row per type that has changed: type text, position bigint
-- index    changes_change_pkey
SELECT type, max(position) AS position FROM changes_change WHERE position > %(after)s::bigint GROUP BY type
