"""The JSON of events and bookings in the product's own API."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from events.models import MAX_CAPACITY, MAX_PER_BOOKING, Booking, BookingStatus, Event, EventStatus
from events.queries import EventFilter, Ordering
from events.services import Guest
from kit import email_addresses
from kit.dates import Span
from kit.money import validate_currency
from kit.text import composed
from kit.web.bodies import NullIsDefault
from kit.web.etags import ExpectedVersionSerializer
from kit.web.fields import (
    CountField,
    EmailField,
    IdFilterField,
    MomentField,
    MoneyField,
    SingleLineField,
    StrictBooleanField,
    TextField,
    UtcDateTimeField,
)
from kit.web.paging import INVALID_CURSOR, CursorField, PageSerializer, moment, orders, row_id
from kit.zones import validate_time_zone

MAX_NAME = 150
# Cancelling an event has its own endpoint.
STATUSES_TO_SET = [EventStatus.DRAFT.value, EventStatus.PUBLISHED.value]


class EventPatchSerializer(ExpectedVersionSerializer):
    """`PATCH`: every field is optional."""

    name = SingleLineField(max_length=255, required=False)
    description = TextField(max_length=20_000, required=False, allow_blank=True, allow_null=True)
    venue = SingleLineField(max_length=255, required=False, allow_blank=True, allow_null=True)
    timezone = SingleLineField(
        source="time_zone",
        required=False,
        validators=[validate_time_zone],
        help_text="IANA name of the zone in which mail and pages show the event's times. Default: the site's.",
    )
    startsAt = UtcDateTimeField(source="starts_at", required=False)
    endsAt = UtcDateTimeField(
        source="ends_at", required=False, allow_null=True, help_text="After the start. Unknown if null."
    )
    bookingsCloseAt = UtcDateTimeField(
        source="bookings_close_at",
        required=False,
        allow_null=True,
        help_text="Never if null. If equal to `startsAt`, it moves with it, unless sent in the same request.",
    )
    capacity = CountField(min_value=1, max_value=MAX_CAPACITY, required=False)
    withheld = CountField(
        min_value=0, max_value=MAX_CAPACITY, required=False, help_text="Number of tickets not for sale."
    )
    price = MoneyField(required=False, help_text="Price per ticket.")
    currency = SingleLineField(
        required=False,
        validators=[validate_currency],
        help_text="ISO 4217 code. Default: the site's. Cannot change once the event has bookings.",
    )
    maxPerBooking = CountField(
        source="max_per_booking",
        min_value=1,
        max_value=MAX_CAPACITY,
        required=False,
        allow_null=True,
        help_text="No limit if null.",
    )
    status = serializers.ChoiceField(choices=STATUSES_TO_SET, required=False)


class ReplacedEventSerializer(EventPatchSerializer):
    """`PUT`: omitted optional fields keep their values."""

    name = SingleLineField(max_length=255)
    startsAt = UtcDateTimeField(source="starts_at")
    capacity = CountField(min_value=1, max_value=MAX_CAPACITY)
    price = MoneyField(help_text="Price per ticket.")


class NewEventSerializer(NullIsDefault, ReplacedEventSerializer):
    version = None  # type: ignore[assignment]  # DRF's way to leave out an inherited field.

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"bookings_close_at": attrs["starts_at"], "max_per_booking": MAX_PER_BOOKING, **attrs}


class EventSerializer(serializers.Serializer[Event]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    venue = serializers.CharField()
    timezone = serializers.CharField(source="time_zone")
    startsAt = UtcDateTimeField(source="starts_at")
    endsAt = UtcDateTimeField(source="ends_at", allow_null=True)
    bookingsCloseAt = UtcDateTimeField(source="bookings_close_at", allow_null=True)
    capacity = serializers.IntegerField(source="inventory.capacity")
    withheld = serializers.IntegerField(source="inventory.withheld")
    price = MoneyField()
    currency = serializers.CharField()
    maxPerBooking = serializers.IntegerField(source="max_per_booking", allow_null=True)
    status = serializers.ChoiceField(choices=EventStatus.values)
    available = serializers.IntegerField(
        source="inventory.available", help_text="Unsold tickets, even if a larger request is waiting."
    )
    waiting = serializers.IntegerField(
        source="inventory.waiting", help_text="Number of waiting bookings (not tickets)."
    )
    createdBy = serializers.IntegerField(source="created_by_id")
    createdAt = UtcDateTimeField(source="created_at")
    version = serializers.IntegerField(help_text="Changes with the event, but not when tickets are sold.")


class EventPageSerializer(serializers.Serializer[Any]):
    items = EventSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class AvailabilitySerializer(serializers.Serializer[Any]):
    event = serializers.IntegerField(source="event_id")
    capacity = serializers.IntegerField()
    available = serializers.IntegerField()
    waiting = serializers.IntegerField()


ORDERING_OF_NAME = orders({"createdAt": "created_at", "startsAt": "starts_at"}, Ordering)
NAME_OF_ORDERING = {ordering: name for name, ordering in ORDERING_OF_NAME.items()}
ORDERINGS = list(ORDERING_OF_NAME)
DEFAULT_ORDERING = "-createdAt"


class EventQuerySerializer(PageSerializer):
    """The query string of the list. Empty parameters are ignored."""

    search = SingleLineField(
        max_length=255,
        required=False,
        allow_blank=True,
        help_text="Finds events whose name or venue contains every word, in any order. A word matches by prefix.",
    )
    status = serializers.ChoiceField(choices=EventStatus.values, required=False)
    startDate = MomentField(
        required=False, help_text="Starts at or after this time. A date means the whole day in UTC."
    )
    endDate = MomentField(required=False, help_text="Starts at or before this time. A date means the whole day in UTC.")
    available = serializers.ChoiceField(
        choices=["true", "false"],
        required=False,
        help_text="Whether a ticket can be booked right now: one is left, nobody is waiting, and bookings are open.",
    )
    ordering = serializers.ChoiceField(
        choices=ORDERINGS, default=DEFAULT_ORDERING, help_text="Prefix with `-` for descending order."
    )
    cursor = CursorField([str, moment, row_id], help_text="`nextCursor` of the previous page.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of `queries.events`: `filter`, `ordering`, `limit` and, with a cursor, `after`."""
        name = attrs.pop("ordering")
        query: dict[str, Any] = {"ordering": ORDERING_OF_NAME[name], "limit": attrs.pop("limit")}
        if "cursor" in attrs:
            query["after"] = self._place(attrs.pop("cursor"), name)
        span = Span.between(attrs.pop("startDate", None), attrs.pop("endDate", None))
        available = attrs.pop("available", None)
        is_available = None if available is None else available == "true"
        return query | {"filter": EventFilter(span=span, is_available=is_available, **attrs)}

    def _place(self, cursor: tuple[str, datetime, int], name: str) -> tuple[datetime, int]:
        cursor_ordering, key, event_id = cursor
        if cursor_ordering != name:
            raise serializers.ValidationError({"cursor": INVALID_CURSOR})
        return key, event_id


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


class BookingQuerySerializer(BookingsOfEventQuerySerializer, BookingFilterSerializer):
    """The query string of the list."""
