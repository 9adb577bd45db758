-- How far the primary's WAL is, and how far it was after a caller's last change.
-- params   caller  text
-- returns  written    bigint  bytes
--          of_caller  bigint  bytes; 0 if the caller has not changed anything lately
-- index    primary key
SELECT
    pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS written,
    coalesce((SELECT position FROM replicas_recentchange WHERE caller = %(caller)s::text), 0) AS of_caller
