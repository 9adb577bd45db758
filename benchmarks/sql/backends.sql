-- The processes of PostgreSQL that serve this database's other connections.
-- returns  pid  int
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid();
