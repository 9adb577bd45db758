-- How much of the primary's WAL this replica has replayed.
-- returns  position  bigint  bytes; -1 on a server that is not a replica, or no longer one
SELECT
    CASE
        WHEN pg_is_in_recovery() THEN coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint
        ELSE -1
    END AS position
