-- Claim deliveries that are due, with what an attempt needs.
-- params   as for webhooks_claim (functions/claim.sql)
-- returns  id, webhook_id, attempts; message_id text; body, url; is_test boolean; is_failing boolean, whether nothing reaches the receiver;
--          secrets text[], encrypted, the current one first; claimed_until, which identifies the claim
-- index    webhook_delivery_due, webhook_delivery_order, webhook_delivery_claimed, webhook_delivery_test, webhook_secret
SELECT
    delivery.id,
    delivery.webhook_id,
    delivery.attempts,
    delivery.message_id::text,
    delivery.body,
    delivery.claimed_until,
    webhook.url,
    delivery.position IS NULL AS is_test,
    webhook.failing_since IS NOT NULL AS is_failing,
    ARRAY(
        SELECT secret.encrypted
        FROM webhooks_secret AS secret
        WHERE secret.webhook_id = delivery.webhook_id AND (secret.ends_at IS NULL OR secret.ends_at > %(at)s::timestamptz)
        ORDER BY secret.id DESC
    ) AS secrets
FROM webhooks_claim(
    %(at)s, %(number)s::int, %(per_webhook)s::int, %(probes)s::int, %(lease)s::interval
) AS delivery
JOIN webhooks_webhook AS webhook ON webhook.id = delivery.webhook_id
ORDER BY delivery.id;
