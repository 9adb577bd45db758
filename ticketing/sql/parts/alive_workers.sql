-- The workers that have reported themselves in the last two minutes. Needs the parameter `at`.
FROM procrastinate_workers
WHERE last_heartbeat > %(at)s::timestamptz - interval '2 minutes'
