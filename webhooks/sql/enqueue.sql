-- Create deliveries, in this order.
-- params   webhook_ids, positions, events, abouts, bodies  arrays with an element per delivery
-- returns  number  bigint, of those that did not exist yet
-- index    webhook_delivery_once
WITH created AS (
    INSERT INTO webhooks_delivery (webhook_id, position, event, about, body)
    SELECT webhook_id, position, event, about, body
    FROM unnest(
        %(webhook_ids)s::bigint[],
        %(positions)s::bigint[],
        %(events)s::text[],
        %(abouts)s::text[],
        %(bodies)s::text[]
    ) WITH ORDINALITY AS new (webhook_id, position, event, about, body, place)
    -- Locks the webhooks, which may be about to be deleted.
    WHERE webhook_id IN (SELECT id FROM webhooks_webhook FOR KEY SHARE)
    ORDER BY place
    ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT count(*) AS number FROM created
