"""Mail about webhooks, to admins."""

from typing import Any, cast

from django.conf import settings

from accounts.models import User
from notifications.mails.tickets import StaffOnly
from notifications.mails.wording import one_line
from notifications.models import Delivery


def webhook_stopped(delivery: Delivery) -> dict[str, Any]:
    """Return the context of mail about a webhook that was paused or ended.

    :raises StaffOnly: the recipient is no longer an admin.
    """
    if not cast(User, delivery.user).is_admin:
        raise StaffOnly
    payload = delivery.payload
    path = f"/admin/webhooks/webhook/{payload['webhook']}/change/"
    return {
        "title": one_line(payload["name"]),
        "url": one_line(payload["url"]),
        "reason": one_line(payload["reason"]),
        "link": settings.SITE_URL and f"{settings.SITE_URL}{path}",
    }
