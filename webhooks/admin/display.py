"""Colours and links that the pages of webhooks and of their deliveries share."""

import orjson
from django.urls import reverse
from django.utils.html import format_html

from kit.admin.pages import LINK_CLASSES
from webhooks.models import DeliveryStatus, WebhookStatus

WEBHOOK_COLOURS = {WebhookStatus.ACTIVE: "success", WebhookStatus.PAUSED: "warning", WebhookStatus.ENDED: "danger"}
DELIVERY_COLOURS = {
    DeliveryStatus.PENDING: "info",
    DeliveryStatus.DELIVERED: "success",
    DeliveryStatus.FAILED: "danger",
    DeliveryStatus.CANCELLED: "warning",
}


def deliveries_link(webhook_id: int, text: str, *, status: str = "") -> str:
    """Return a link to the deliveries of a webhook, in one status unless it is ""."""
    query = f"?webhook={webhook_id}" + (f"&status={status}" if status else "")
    return link(reverse("admin:webhooks_delivery_changelist") + query, text)


def webhook_page(webhook_id: int) -> str:
    return reverse("admin:webhooks_webhook_change", args=[webhook_id])


def link(url: str, text: str) -> str:
    return format_html('<a href="{}" class="{}">{}</a>', url, LINK_CLASSES, text)


def preformatted(text: str) -> str:
    """Return text as it is, in lines that wrap."""
    return format_html('<pre class="wrapped-lines">{}</pre>', text)


def readable_json(text: str) -> str:
    """Return JSON with one member per line."""
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        # Written in SQL.
        return text
