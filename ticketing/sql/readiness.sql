-- What a server needs of the database before it can do its work (operations/readiness.py).
-- params   at  timestamptz
-- returns  applied      text[]  migrations, as app.name
--          has_worker   bool    whether a worker has reported itself in the last two minutes
-- index    idx_procrastinate_workers_last_heartbeat
SELECT
    ARRAY(SELECT app || '.' || name FROM django_migrations) AS applied,
    EXISTS (
        SELECT
\ir parts/alive_workers.sql
    ) AS has_worker
