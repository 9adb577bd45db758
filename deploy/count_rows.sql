-- The number of rows in each table, one table per line: name|rows. For psql; read by backup.sh and restore.sh.
SELECT format('SELECT %L, count(*) FROM %I.%I', format('%I.%I', schemaname, tablename), schemaname, tablename)
FROM pg_tables
WHERE schemaname = 'public'
ORDER BY schemaname, tablename
\gexec
