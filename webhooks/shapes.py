"""The JSON of deliveries, from rows that have its keys already (sql/parts)."""

from typing import Any

from orjson import Fragment

from kit.web.fields import utc_text
from webhooks.models import Webhook, message_id
from webhooks.queries import Row


def webhook(webhook: Webhook) -> Row:
    """Return the same as sql/parts/shown.sql."""
    return {
        "id": webhook.pk,
        "url": webhook.url,
        "events": webhook.events,
        "description": webhook.description,
        "status": webhook.status,
        "reason": webhook.reason or None,
        "failingSince": webhook.failing_since and utc_text(webhook.failing_since),
        "createdBy": webhook.created_by_id,
        "createdAt": utc_text(webhook.created_at),
        "version": webhook.version,
    }


def delivery(row: Row) -> Row:
    """Return a delivery: the keys of DeliverySerializer."""
    answered = {
        "status": row.pop("responseStatus"),
        "body": row.pop("response"),
        "error": row.pop("error"),
        "milliseconds": row.pop("milliseconds"),
    }
    row["messageId"] = message_id(row["messageId"])
    row["response"] = answered if row["attemptedAt"] else None
    # In JSON already.
    row["payload"] = Fragment(row["payload"])
    return row


def payload(*, event: str, at: Any, data: Any) -> dict[str, Any]:
    """Return the body of a delivery."""
    return {"type": event, "timestamp": utc_text(at), "data": data}
