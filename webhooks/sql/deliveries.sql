-- The deliveries to a webhook, newest first.
-- params   webhook_id  bigint
--          status      text | null   null: any
--          before_id   bigint        id of the last delivery on the previous page
--          row_limit   int           maximum number of deliveries
-- returns  the columns of parts/delivery_shown.sql
-- index    webhook_delivery_newest
SELECT
\ir parts/delivery_shown.sql
FROM webhooks_delivery AS delivery
WHERE delivery.webhook_id = %(webhook_id)s::bigint
    AND (%(status)s::text IS NULL OR delivery.status = %(status)s)
    AND delivery.id < %(before_id)s::bigint
ORDER BY delivery.id DESC
LIMIT %(row_limit)s::int;
