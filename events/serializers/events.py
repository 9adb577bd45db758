"""The JSON of events in the product's own API."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from events.models import (
    MAX_CAPACITY,
    MAX_PER_BOOKING,
    Event,
    EventStatus,
)
from events.queries import EventFilter, Ordering
from kit.activity.lists import SinceSerializer
from kit.dates import Span
from kit.money import validate_currency
from kit.web.bodies import NullIsDefault
from kit.web.etags import ExpectedVersionSerializer
from kit.web.fields import (
    CountField,
    MomentField,
    MoneyField,
    SingleLineField,
    TextField,
    UtcDateTimeField,
)
from kit.web.paging import INVALID_CURSOR, CursorField, PageSerializer, moment, orders, row_id
from kit.zones import validate_time_zone

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
        help_text="ISO 4217 code. Default: the site's. Cannot be changed once the event has bookings.",
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


class EventQuerySerializer(PageSerializer, SinceSerializer):
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
