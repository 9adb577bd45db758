-- The columns of a delivery that the API shows, with its keys; webhooks/shapes.py makes them those of DeliverySerializer.
-- `payload` is JSON.
    delivery.id,
    delivery.message_id::text AS "messageId",
    delivery.event AS type,
    delivery.status,
    delivery.attempts,
    kit_utc_text(delivery.created_at) AS "createdAt",
    CASE WHEN delivery.status = 'pending' THEN kit_utc_text(delivery.next_attempt_at) END AS "nextAttemptAt",
    kit_utc_text(delivery.attempted_at) AS "attemptedAt",
    kit_utc_text(delivery.delivered_at) AS "deliveredAt",
    delivery.response_status AS "responseStatus",
    delivery.response,
    nullif(delivery.error, '') AS error,
    delivery.milliseconds,
    delivery.body AS payload
