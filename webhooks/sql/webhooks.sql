-- Webhooks, newest first.
-- params   before_id  bigint   id of the last webhook on the previous page
--          row_limit  int      maximum number of webhooks
-- returns  the columns of parts/shown.sql
-- index    webhooks_webhook_pkey
SELECT
\ir parts/shown.sql
FROM webhooks_webhook AS webhook
WHERE webhook.id < %(before_id)s::bigint
ORDER BY webhook.id DESC
LIMIT %(row_limit)s::int;
