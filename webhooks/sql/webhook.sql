-- One webhook.
-- params   webhook_id  bigint
-- returns  at most one row: the columns of parts/shown.sql
-- index    webhooks_webhook_pkey
SELECT
\ir parts/shown.sql
FROM webhooks_webhook AS webhook
WHERE webhook.id = %(webhook_id)s::bigint;
