-- Remember how far the WAL is, now that a caller's changes are in it.
-- params   caller  text  kit.replicas.caller_of
-- returns  nothing
-- index    primary key
WITH durability AS MATERIALIZED (
    -- If a crash loses this row, its caller may once see an older list.
    SELECT set_config('synchronous_commit', 'off', true)
)
INSERT INTO replicas_recentchange (caller, position, at)
SELECT %(caller)s::text, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint, now() FROM durability
ON CONFLICT (caller) DO UPDATE SET position = EXCLUDED.position, at = EXCLUDED.at
