-- What kind of server a connection leads to, for `manage.py doctor`.
-- returns  is_replica  bool
SELECT pg_is_in_recovery() AS is_replica
