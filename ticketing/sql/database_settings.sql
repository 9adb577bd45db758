-- How the database is set up, for `manage.py doctor`.
-- returns  fsync, full_page_writes, synchronous_commit, autovacuum  text
--          connections, max_connections                             int
--          now                                                      timestamptz  by the database's clock
SELECT
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('autovacuum') AS autovacuum,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
    current_setting('max_connections')::int AS max_connections,
    clock_timestamp() AS now
