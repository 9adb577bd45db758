"""Mail about bookings, to their holders."""

from datetime import datetime
from typing import Any, cast

from events.models import Booking, BookingStatus
from events.tokens import manage_token
from kit import money, zones
from kit.text import counted
from notifications.mails.tickets import Line
from notifications.mails.wording import NOTHING, one_line
from notifications.models import Delivery

WHEN, WHERE, TIME_ZONE = "When", "Where", "Time zone"


def booking_changed(delivery: Delivery) -> dict[str, Any]:
    """Return the context of mail about a booking: as it was after the change, but with the event as it is now."""
    booking, payload = cast(Booking, delivery.booking), delivery.payload
    event, tickets_left = booking.event, payload["left"]
    when = zones.readable_span(event.starts_at, event.ends_at, event.time_zone)
    facts = [(WHEN, when), (WHERE, one_line(event.venue))]
    if tickets_left:
        facts.append(("Price", price(booking, tickets_left)))
    return {
        "number": booking.pk,
        "event": one_line(event.name),
        "when": when,
        "facts": [(label, value) for label, value in facts if value],
        "tickets": counted(payload["quantity"], "ticket"),
        "left": tickets_left,
        "tickets_left": counted(tickets_left, "ticket"),
        "place": payload["place"],
        "tokens": tokens(delivery, [booking.pk]) if tickets_left else [],
    }


def event_changed(delivery: Delivery) -> dict[str, Any]:
    """Return the context of mail about a changed time or place, with the old and the new values."""
    payload = delivery.payload
    before, after = when_and_where(payload["before"]), when_and_where(payload["after"])
    changed = [label for label in before if before[label] != after[label]]
    numbers = [booking["number"] for booking in payload["bookings"]]
    return {
        "numbers": numbers,
        "event": one_line(cast(Booking, delivery.booking).event.name),
        "when": after[WHEN],
        "changed": named(changed),
        "lines": [Line(label, before[label] or NOTHING, after[label] or NOTHING) for label in changed],
        "facts": [(label, after[label]) for label in (WHEN, WHERE) if label not in changed and after[label]],
        "bookings": [
            {
                "number": booking["number"],
                "tickets": counted(booking["left"], "ticket"),
                "is_waiting": booking["status"] == BookingStatus.WAITING,
            }
            for booking in payload["bookings"]
        ],
        "tokens": tokens(delivery, numbers),
    }


def when_and_where(event: dict[str, Any]) -> dict[str, str]:
    """Return the event's time, place and zone as the payload describes them, by label."""
    start, end = (text and datetime.fromisoformat(text) for text in (event["starts_at"], event["ends_at"]))
    return {
        WHEN: zones.readable_span(start, end, event["time_zone"]),
        WHERE: one_line(event["venue"]),
        TIME_ZONE: event["time_zone"],
    }


def named(labels: list[str]) -> list[str]:
    """Return what has changed, in words. A change of the time includes its zone."""
    names = {WHEN: "time", WHERE: "venue"} if WHEN in labels else {WHERE: "venue", TIME_ZONE: "time zone"}
    return [names[label] for label in labels if label in names]


def tokens(delivery: Delivery, numbers: list[int]) -> list[tuple[int, str]]:
    """Return a guest's bookings with their manage tokens, which are derived for this message and not stored."""
    return [(number, manage_token(number)) for number in numbers] if delivery.is_to_guest else []


def price(booking: Booking, quantity: int) -> str:
    if not booking.unit_price:
        return "free"
    each, total = (
        money.readable(amount, booking.event.currency) for amount in (booking.unit_price, booking.unit_price * quantity)
    )
    return f"{each} per ticket, {total} in total"
