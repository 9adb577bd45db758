"""Webhooks in the admin, for admins."""

from webhooks.admin.deliveries import DeliveryAdmin
from webhooks.admin.webhooks import WebhookAdmin

__all__ = ["DeliveryAdmin", "WebhookAdmin"]
