-- How many deliveries there are in each state, for metrics. `due` are those that nobody is sending although it is time:
-- those of webhooks that are active, apart from the ones that wait for an earlier one.
-- params   at  timestamptz
-- returns  one row: pending, due, delivered, failed, cancelled bigint; oldest timestamptz | null, when the oldest one that
--          is due was created; active, paused, ended, failing int, of webhooks
-- index    webhook_delivery_status, webhook_delivery_due
WITH counted AS (
    SELECT status, count(*) AS number FROM webhooks_delivery GROUP BY status
), due AS (
    SELECT count(*) AS number, min(delivery.created_at) AS oldest
    FROM webhooks_delivery AS delivery
    JOIN webhooks_webhook AS webhook ON webhook.id = delivery.webhook_id
    WHERE delivery.status = 'pending' AND delivery.next_attempt_at <= %(at)s AND webhook.status = 'active'
)
SELECT
    coalesce((SELECT number FROM counted WHERE status = 'pending'), 0) AS pending,
    due.number AS due,
    coalesce((SELECT number FROM counted WHERE status = 'delivered'), 0) AS delivered,
    coalesce((SELECT number FROM counted WHERE status = 'failed'), 0) AS failed,
    coalesce((SELECT number FROM counted WHERE status = 'cancelled'), 0) AS cancelled,
    due.oldest,
    (SELECT count(*) FROM webhooks_webhook WHERE status = 'active') AS active,
    (SELECT count(*) FROM webhooks_webhook WHERE status = 'paused') AS paused,
    (SELECT count(*) FROM webhooks_webhook WHERE status = 'ended') AS ended,
    (SELECT count(*) FROM webhooks_webhook WHERE status = 'active' AND failing_since IS NOT NULL) AS failing
FROM due
