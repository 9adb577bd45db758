"""The panel of mail about a ticket or booking. A template tag, because tickets and events cannot import this app."""

from typing import Any

from django import template
from django.urls import reverse

from events.models import Booking
from notifications.models import GIVEN_UP, State
from tickets.models import Ticket

register = template.Library()

SHOWN_DELIVERIES = 10
STATE_COLOURS = {
    State.PENDING: "info",
    State.SENT: "success",
    State.FAILED: "danger",
    State.DEAD: "danger",
    State.SUMMARISED: "primary",
}


@register.inclusion_tag("admin/sent_mail.html", takes_context=True)
def sent_mail(context: dict[str, Any], about: Ticket | Booking) -> dict[str, Any]:
    """Show the latest deliveries about a ticket or booking, and a button to resend a ticket's failed ones."""
    deliveries = list(about.deliveries.select_related("summary").order_by("-pk")[:SHOWN_DELIVERIES])
    has_failed = any((delivery.summary or delivery).state in GIVEN_UP for delivery in deliveries)
    may_resend = has_failed and isinstance(about, Ticket)
    return {
        "about": about,
        "about_name": about._meta.verbose_name,
        "deliveries": [(delivery, STATE_COLOURS[State(delivery.state)]) for delivery in deliveries],
        "has_failed": has_failed,
        "resend_url": reverse("admin:notifications_delivery_resend", args=[about.pk]) if may_resend else "",
        "csrf_token": context.get("csrf_token"),
    }
