-- The columns of a webhook that the API shows, with its keys: those of WebhookSerializer.
    webhook.id,
    webhook.url,
    webhook.events,
    webhook.description,
    webhook.status,
    nullif(webhook.reason, '') AS reason,
    kit_utc_text(webhook.failing_since) AS "failingSince",
    webhook.created_by_id AS "createdBy",
    kit_utc_text(webhook.created_at) AS "createdAt",
    webhook.version
