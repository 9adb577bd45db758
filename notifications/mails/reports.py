"""The weekly report. Its payload has every number in words; the analytics compile it."""

from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from notifications.mails.templates import render
from notifications.mails.tickets import StaffOnly
from notifications.models import Delivery


def weekly_report(delivery: Delivery) -> dict[str, Any]:
    """Return the context of a report.

    :raises StaffOnly: the recipient is no longer an admin.
    """
    if not cast(User, delivery.user).is_admin:
        raise StaffOnly
    return {"link": overview_link(delivery.payload)}


def report_text(payload: dict[str, Any]) -> str:
    """Return a report as plain text, for the command that prints it."""
    return render("emails/weekly_report.txt", {"payload": payload, "link": overview_link(payload)})


def overview_link(payload: dict[str, Any]) -> str:
    """Return the admin's overview of the report's days; "" without settings.SITE_URL."""
    query = urlencode({"start": payload["start"], "end": payload["end"]})
    return settings.SITE_URL and f"{settings.SITE_URL}{reverse('admin:index')}?{query}"
