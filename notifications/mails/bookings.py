"""Mail about bookings, to their holders."""

from typing import Any, cast

from events.models import Booking
from events.tokens import manage_token
from kit.text import counted
from notifications.mails.wording import one_line, readable
from notifications.models import Delivery


def booking_changed(delivery: Delivery) -> dict[str, Any]:
    """Return the context of mail about a booking: as it was after the change, but with the event as it is now."""
    booking, payload = cast(Booking, delivery.booking), delivery.payload
    tickets_left = payload["left"]
    facts = [("When", readable("starts_at", booking.event.starts_at)), ("Where", one_line(booking.event.venue))]
    if tickets_left:
        facts.append(("Price", price(booking, tickets_left)))
    return {
        "number": booking.pk,
        "event": one_line(booking.event.name),
        "starts_at": facts[0][1],
        "facts": [(label, value) for label, value in facts if value],
        "tickets": counted(payload["quantity"], "ticket"),
        "left": tickets_left,
        "tickets_left": counted(tickets_left, "ticket"),
        "place": payload["place"],
        # Derived for this message and not stored.
        "manage_token": manage_token(booking.pk) if tickets_left and not booking.user_id else "",
    }


def price(booking: Booking, quantity: int) -> str:
    if not booking.unit_price:
        return "free"
    return f"{booking.unit_price:,.2f} per ticket, {booking.unit_price * quantity:,.2f} in total"
