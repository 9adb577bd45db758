"""Bookings as CSV, with the filters and permissions of the list."""

from collections.abc import Iterator

from rest_framework import serializers

from accounts.models import User
from events import queries
from events.models import Booking, BookingStatus
from kit.web import csv_export
from kit.web.fields import MoneyField, UtcDateTimeField


class BookingRowSerializer(serializers.Serializer[Booking]):
    """An item of the list, flattened."""

    id = serializers.IntegerField()
    event = serializers.IntegerField(source="event_id")
    user = serializers.IntegerField(source="user_id")
    guestFirstName = serializers.CharField(source="guest_first_name")
    guestLastName = serializers.CharField(source="guest_last_name")
    guestEmail = serializers.EmailField(source="guest_email")
    quantity = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    status = serializers.ChoiceField(choices=BookingStatus.values)
    position = serializers.IntegerField()
    unitPrice = MoneyField(source="unit_price")
    currency = serializers.CharField()
    createdAt = UtcDateTimeField(source="created_at")


def bookings(
    *, viewer: User, event_id: int | None = None, status: str | None = None, search: str = ""
) -> Iterator[bytes]:
    """Yield the bookings that `viewer` may see as CSV, in batches."""

    def fetch(last: Booking | None) -> list[Booking]:
        before_id = None if last is None else last.pk
        return queries.bookings(
            viewer=viewer, event_id=event_id, status=status, search=search, before_id=before_id, limit=csv_export.BATCH
        )

    return csv_export.encode(BookingRowSerializer, csv_export.batches(fetch))
