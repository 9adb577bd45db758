-- Figures from the database for Prometheus, read at each scrape (operations/metrics.py).
-- params   at  timestamptz
-- returns  name   text    of the metric
--          label  text    the state that is counted, '' if the metric has none
--          value  float8  a number, or seconds if the name ends so
-- index    delivery_due, delivery_given_up, event_starts_at, ticket_unclosed
SELECT 'jobs' AS name, state AS label, count(job.id)::float8 AS value
FROM unnest(ARRAY['todo', 'doing', 'failed']) AS state
LEFT JOIN procrastinate_jobs AS job ON job.status::text = state
GROUP BY state
UNION ALL
SELECT 'job_oldest_seconds', '', coalesce(extract(epoch FROM %(at)s::timestamptz - min(due.at)), 0)::float8
FROM (
    SELECT coalesce(job.scheduled_at, (
        SELECT max(event.at) FROM procrastinate_events AS event WHERE event.job_id = job.id AND event.type = 'deferred'
    )) AS at
    FROM procrastinate_jobs AS job
    WHERE job.status = 'todo' AND coalesce(job.scheduled_at <= %(at)s, true)
) AS due
UNION ALL
SELECT 'workers', '', count(*)::float8
\ir parts/alive_workers.sql
UNION ALL
SELECT 'deliveries', 'pending', count(*)::float8 FROM notifications_delivery WHERE state = 'pending'
UNION ALL
SELECT 'deliveries', given_up.state, count(delivery.id)::float8
FROM (VALUES ('failed'), ('dead')) AS given_up (state)
LEFT JOIN notifications_delivery AS delivery ON delivery.state IN ('failed', 'dead') AND delivery.state = given_up.state
GROUP BY given_up.state
UNION ALL
SELECT 'delivery_oldest_due_seconds', '', coalesce(extract(epoch FROM %(at)s::timestamptz - min(next_attempt_at)), 0)::float8
FROM notifications_delivery
WHERE state = 'pending' AND next_attempt_at <= %(at)s
UNION ALL
SELECT counts.name, '', counts.number::float8
FROM (
    SELECT coalesce(sum(confirmed), 0) AS confirmed, coalesce(sum(waiting), 0) AS waiting
    FROM events_event AS event
    JOIN events_inventory AS inventory ON inventory.event_id = event.id
    WHERE event.starts_at > %(at)s
) AS upcoming
CROSS JOIN LATERAL (
    VALUES ('booked_tickets', upcoming.confirmed), ('waiting_bookings', upcoming.waiting)
) AS counts (name, number)
UNION ALL
SELECT 'tickets', status, count(*)::float8 FROM tickets_ticket WHERE status <> 'closed' GROUP BY status
UNION ALL
SELECT 'database_connections', coalesce(state, 'other'), count(*)::float8 FROM pg_stat_activity
WHERE datname = current_database() GROUP BY state
UNION ALL
SELECT 'database_max_connections', '', current_setting('max_connections')::float8
