"""Request and response bodies of document 003, "Ticks"."""

from datetime import UTC, datetime, time
from typing import Any

from rest_framework import serializers

from accounts.models import User
from accounts.serializers import NewPasswordField
from events.models import MAX_CAPACITY, Booking, BookingStatus
from events.queries import Row
from events.services import Guest
from kit.errors import Faults
from kit.web.bodies import NullIsDefault
from kit.web.fields import (
    CountField,
    EmailField,
    IdField,
    MomentField,
    SingleLineField,
    utc_text,
    with_milliseconds,
)

STATUSES: dict[str, str] = {BookingStatus.CONFIRMED: "completed", BookingStatus.WAITING: "waitlisted"}
# The password in the document's sample has no special character.
SHORTEST_PASSWORD = 8
# The document's response has all events and no cursor.
MOST_EVENTS = 1_000


class StartField(MomentField):
    """A time with an offset, or a date, which means midnight UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min, tzinfo=UTC)


class RegisterSerializer(serializers.Serializer[User]):
    username = SingleLineField(source="name", min_length=3, max_length=150)
    email = EmailField()
    password = NewPasswordField(shortest=SHORTEST_PASSWORD)


def shape_of_user(user: User) -> dict[str, Any]:
    return {"id": user.pk, "username": user.name, "email": user.email}


class NewEventSerializer(NullIsDefault):
    name = SingleLineField(max_length=255)
    date = StartField(source="starts_at")
    totalTickets = CountField(source="capacity", min_value=1, max_value=MAX_CAPACITY)
    availableTickets = CountField(min_value=0, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the event in the domain's terms: tickets that are not available are withheld."""
        if found := event_faults(**attrs):
            raise serializers.ValidationError(found)
        available = attrs.pop("availableTickets", attrs["capacity"])
        return {**attrs, "withheld": attrs["capacity"] - available}


def event_faults(*, capacity: int | None = None, availableTickets: int = 0, **_: Any) -> Faults:  # noqa: N803
    """Return the errors of fields that contradict each other."""
    is_too_much = capacity is not None and availableTickets > capacity
    return {"availableTickets": ["Cannot be greater than totalTickets."]} if is_too_much else {}


def shape_of_event(row: Row) -> dict[str, Any]:
    """Return the document's event from one of the product's."""
    return {
        "id": row["id"],
        "name": row["name"],
        "date": with_milliseconds(row["startsAt"]),
        "totalTickets": row["capacity"],
        "availableTickets": row["available"],
        "createdBy": row["createdBy"],
        "createdAt": with_milliseconds(row["createdAt"]),
        "updatedAt": with_milliseconds(row["updatedAt"]),
    }


class EventQuerySerializer(serializers.Serializer[Any]):
    limit = CountField(min_value=1, max_value=MOST_EVENTS, default=MOST_EVENTS)
    page = CountField(min_value=1, max_value=1_000, default=1)


class NewBookingSerializer(NullIsDefault):
    eventId = IdField(source="event_id")
    firstName = SingleLineField(source="first_name", max_length=150)
    lastName = SingleLineField(source="last_name", max_length=150)
    email = EmailField()
    ticketsReserved = CountField(source="quantity", min_value=1)


class OwnBookingSerializer(NewBookingSerializer):
    """A booking by a signed-in user, whose name and address are known."""

    firstName = SingleLineField(source="first_name", max_length=150, required=False)
    lastName = SingleLineField(source="last_name", max_length=150, required=False)
    email = EmailField(required=False)


def new_booking(booking: Booking, holder: Guest, sent: dict[str, Any]) -> dict[str, Any]:
    """Return the response body for a new booking. Numbers are returned as they were sent, even as strings."""
    created_at = with_milliseconds(utc_text(booking.created_at))
    return {
        "id": booking.pk,
        "eventId": sent["eventId"],
        "userId": booking.user_id,
        "firstName": holder.first_name,
        "lastName": holder.last_name,
        "email": holder.email,
        "ticketsReserved": sent["ticketsReserved"],
        "bookingStatus": STATUSES[booking.status],
        "updatedAt": created_at,
        "createdAt": created_at,
    }


class CancellationSerializer(NullIsDefault):
    bookingId = IdField(required=False)
    ticketsToCancel = CountField(min_value=1)
