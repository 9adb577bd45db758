"""The JSON of bookings in the product's own API."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from events.models import (
    MAX_CAPACITY,
    Booking,
    BookingStatus,
)
from events.services import Guest
from kit import email_addresses
from kit.activity.lists import OrderedSinceSerializer
from kit.text import composed
from kit.web.bodies import NullIsDefault
from kit.web.etags import ExpectedVersionSerializer
from kit.web.fields import (
    CountField,
    EmailField,
    IdFilterField,
    MoneyField,
    SingleLineField,
    StrictBooleanField,
    UtcDateTimeField,
)
from kit.web.paging import CursorField, PageSerializer, row_id

MAX_NAME = 150


class GuestSerializer(serializers.Serializer[Any]):
    firstName = SingleLineField(source="first_name", max_length=MAX_NAME)
    lastName = SingleLineField(source="last_name", max_length=MAX_NAME)
    email = EmailField()


class NewBookingSerializer(NullIsDefault):
    """Requires `guest` if the view says by `is_guest` in the context that nobody is signed in."""

    quantity = CountField(min_value=1, max_value=MAX_CAPACITY, default=1)
    joinWaitlist = StrictBooleanField(
        source="joins_waitlist",
        default=True,
        help_text="If false, respond with 409 instead of joining the waiting list.",
    )
    guest = GuestSerializer(
        required=False,
        error_messages={"invalid": "Must be an object."},
        help_text="Required unless signed in; otherwise ignored.",
    )

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["guest"].required = self.context.get("is_guest", False)
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        guest = attrs.pop("guest", None)
        return attrs | {"guest": Guest(**guest) if self.context["is_guest"] else None}


def plain_booking(body: dict[str, Any], *, is_guest: bool) -> dict[str, Any] | None:
    """Return what NewBookingSerializer would, or None for a body that only the serializer can judge.

    Most bookings are this plain. It spares them a sixth of the web server's time.
    """
    quantity, joins = body.get("quantity", 1), body.get("joinWaitlist", True)
    guest = _plain_guest(body.get("guest")) if is_guest else None
    is_plain = type(quantity) is int and 1 <= quantity <= MAX_CAPACITY and type(joins) is bool
    if not is_plain or (guest is None if is_guest else "guest" in body):
        return None
    return {"quantity": quantity, "joins_waitlist": joins, "guest": guest}


def _plain_guest(guest: Any) -> Guest | None:
    if not isinstance(guest, dict):
        return None
    first_name, last_name, email = (guest.get(name, "") for name in ("firstName", "lastName", "email"))
    if not (_is_plain_name(first_name) and _is_plain_name(last_name) and isinstance(email, str)):
        return None
    try:
        return Guest(first_name, last_name, email_addresses.normalized(email))
    except email_addresses.UnusableAddress:
        return None


def _is_plain_name(name: Any) -> bool:
    """Return whether this is a name as it is stored: trimmed, composed, and without control characters."""
    is_text = isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable()
    return is_text and name == composed(name).strip()


class CancellationSerializer(ExpectedVersionSerializer, NullIsDefault):
    tickets = CountField(
        source="seats",
        min_value=1,
        max_value=MAX_CAPACITY,
        required=False,
        help_text="Number of tickets to cancel, by default all that are left.",
    )


@extend_schema_serializer(component_name="Guest")
class GuestOfBookingSerializer(serializers.Serializer[Booking]):
    firstName = serializers.CharField()
    lastName = serializers.CharField()
    email = serializers.EmailField()


class BookingSerializer(serializers.Serializer[Booking]):
    id = serializers.IntegerField()
    event = serializers.IntegerField()
    user = serializers.IntegerField(allow_null=True)
    guest = GuestOfBookingSerializer(allow_null=True)
    quantity = serializers.IntegerField(help_text="Number of tickets requested.")
    cancelled = serializers.IntegerField(help_text="Number of these that were cancelled.")
    status = serializers.ChoiceField(choices=BookingStatus.values)
    position = serializers.IntegerField(
        allow_null=True, help_text="Position on the waiting list, starting at 1; null unless waiting."
    )
    unitPrice = MoneyField(help_text="Price per ticket at the time of booking.")
    createdAt = UtcDateTimeField()
    version = serializers.IntegerField()


class BookingDetailSerializer(BookingSerializer):
    reason = serializers.CharField(allow_null=True, help_text="Why the booking is waiting; null unless it is.")


@extend_schema_serializer(component_name="CreatedBooking")
class NewBookingAnswerSerializer(BookingDetailSerializer):
    manageToken = serializers.CharField(
        required=False, help_text="Guests only. Send it as `X-Manage-Token` to see or cancel the booking."
    )


class BookingPageSerializer(serializers.Serializer[Any]):
    items = BookingSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class BookingsOfEventFilterSerializer(serializers.Serializer[Any]):
    """The filters of a list of bookings. Empty parameters are ignored."""

    status = serializers.ChoiceField(choices=BookingStatus.values, required=False)
    search = SingleLineField(
        max_length=255,
        required=False,
        allow_blank=True,
        help_text="Finds bookings by the name and address of the user or guest and by the event's name. Every word "
        "must match, in any order. A word matches by prefix.",
    )


class BookingFilterSerializer(BookingsOfEventFilterSerializer):
    event = IdFilterField(source="event_id", required=False)


class BookingsOfEventQuerySerializer(PageSerializer, BookingsOfEventFilterSerializer):
    cursor = CursorField([row_id], help_text="`nextCursor` of the previous page.")


class BookingQuerySerializer(BookingsOfEventQuerySerializer, BookingFilterSerializer, OrderedSinceSerializer):
    """The query string of the list."""
