"""The panel of a person's bookings. A template tag, because accounts cannot import this app."""

from typing import Any

from django import template
from django.urls import reverse

from accounts.models import User
from events.models import Booking, BookingStatus
from kit.zones import compact

register = template.Library()

SHOWN_BOOKINGS = 8


@register.inclusion_tag("admin/accounts/user/bookings.html")
def bookings_of(person: User, viewer: User) -> dict[str, Any]:
    """Show the newest bookings of a person, to those who may view bookings."""
    # The admin's modules load the templates' libraries, so this cannot be at the top.
    from events.admin.display import STATUS_COLOURS, seats_of

    if not viewer.has_perm("events.view_booking"):
        return {"is_hidden": True}
    newest = Booking.objects.filter(user=person).select_related("event").order_by("-pk")
    found = list(newest.defer("event__description", "event__name_words")[: SHOWN_BOOKINGS + 1])
    return {
        "rows": [
            {
                "booking": booking,
                "seats": seats_of(booking),
                "starts_at": compact(booking.event.starts_at, booking.event.time_zone),
                "colour": STATUS_COLOURS.get(BookingStatus(booking.status), ""),
            }
            for booking in found[:SHOWN_BOOKINGS]
        ],
        "has_more": len(found) > SHOWN_BOOKINGS,
        "list_url": f"{reverse('admin:events_booking_changelist')}?user__id__exact={person.pk}",
    }
