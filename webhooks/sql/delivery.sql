-- One delivery to a webhook.
-- params   webhook_id   bigint
--          delivery_id  bigint
-- returns  at most one row: the columns of parts/delivery_shown.sql
-- index    webhooks_delivery_pkey
SELECT
\ir parts/delivery_shown.sql
FROM webhooks_delivery AS delivery
WHERE delivery.id = %(delivery_id)s::bigint AND delivery.webhook_id = %(webhook_id)s::bigint;
