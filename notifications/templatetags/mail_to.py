"""The panel of mail to a person. A template tag, because accounts cannot import this app."""

from typing import Any

from django import template
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from notifications.models import Delivery, State
from notifications.templatetags.sent_mail import STATE_COLOURS

register = template.Library()

SHOWN_DELIVERIES = 8


@register.inclusion_tag("admin/accounts/user/mail.html")
def mail_to(person: User, viewer: User) -> dict[str, Any]:
    """Show the latest mail to a person, as far as the viewer may see it."""
    if not viewer.has_perm("notifications.view_delivery"):
        return {"is_hidden": True}
    visible = Delivery.objects.filter(user=person).visible_to(viewer).order_by("-pk")
    large = ("payload", "ticket__description", "ticket__search", "ticket__title_key")
    found = list(visible.select_related("ticket").defer(*large)[: SHOWN_DELIVERIES + 1])
    return {
        "rows": [
            {"delivery": delivery, "colour": STATE_COLOURS[State(delivery.state)]}
            for delivery in found[:SHOWN_DELIVERIES]
        ],
        "has_more": len(found) > SHOWN_DELIVERIES,
        "list_url": f"{reverse('admin:notifications_delivery_changelist')}?{urlencode({'q': person.email})}",
    }
