"""The JSON of e-tickets and check-ins in the product's own API."""

from typing import Any

from rest_framework import serializers

from events.models import (
    MAX_DEVICE,
    MAX_NONCE,
    Outcome,
)
from kit.web.bodies import NullIsDefault
from kit.web.fields import (
    CountField,
    SingleLineField,
    UtcDateTimeField,
)
from kit.web.paging import CursorField, PageSerializer, row_id, small

# Whole tickets in a response, for callers that need every field.
MAX_TICKETS = 1_000


class ETicketSerializer(serializers.Serializer[Any]):
    seat = serializers.IntegerField(help_text="Starts at 1.")
    code = serializers.CharField(help_text="To show at the door, as text or as a QR code. Keep it private.")
    checkedInAt = UtcDateTimeField(allow_null=True)


class ETicketPageSerializer(serializers.Serializer[Any]):
    items = ETicketSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class ETicketQuerySerializer(serializers.Serializer[Any]):
    limit = CountField(min_value=1, max_value=MAX_TICKETS, default=MAX_TICKETS)
    cursor = CursorField([small], help_text="`nextCursor` of the previous page.")


class NewCheckInSerializer(NullIsDefault):
    code = SingleLineField(max_length=255, help_text="Case, spaces and hyphens do not matter.")
    at = UtcDateTimeField(
        source="scanned_at",
        required=False,
        allow_null=True,
        help_text="When the ticket was scanned, for devices that were offline. Default: now. Must not be in the "
        "future, although clocks may be five minutes ahead, or before the event was created.",
    )
    device = SingleLineField(
        max_length=MAX_DEVICE, required=False, allow_blank=True, help_text="Such as a door's name."
    )
    nonce = SingleLineField(
        max_length=MAX_NONCE,
        required=False,
        allow_null=True,
        help_text="The device's own name for this scan, unique per event. Sent again, it gets the same response.",
    )


class CheckInAnswerSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    booking = serializers.IntegerField()
    seat = serializers.IntegerField(help_text="Starts at 1.")
    quantity = serializers.IntegerField(help_text="Number of the booking's tickets that are not cancelled.")
    holder = serializers.CharField(help_text="Name of the user or guest.")
    checkedInAt = UtcDateTimeField()


class StaffMemberSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class CheckInSerializer(CheckInAnswerSerializer):
    device = serializers.CharField(allow_null=True)
    outcome = serializers.ChoiceField(
        choices=Outcome.values, help_text="`already_checked_in` is a later scan of the same ticket: nobody was let in."
    )
    by = StaffMemberSerializer()
    undoneAt = UtcDateTimeField(allow_null=True)
    undoneBy = StaffMemberSerializer(allow_null=True, help_text="Null if the ticket was cancelled.")


class CheckInPageSerializer(serializers.Serializer[Any]):
    items = CheckInSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)
    checkedIn = serializers.IntegerField(help_text="Number of tickets that are checked in now.")
    expected = serializers.IntegerField(help_text="Number of tickets of confirmed bookings.")


class CheckInQuerySerializer(PageSerializer):
    outcome = serializers.ChoiceField(choices=Outcome.values, required=False)
    cursor = CursorField([row_id], help_text="`nextCursor` of the previous page.")


class AdmissionSerializer(serializers.Serializer[Any]):
    booking = serializers.IntegerField()
    seat = serializers.IntegerField()
    holder = serializers.CharField()
    checkedInAt = UtcDateTimeField(allow_null=True)
    sha256 = serializers.ListField(
        child=serializers.RegexField("^[0-9a-f]{64}$"),
        help_text="Of the `code` exactly as `GET /bookings/<id>/tickets` returns it, hyphens included. More than one "
        "only while the server also accepts codes made with an earlier secret key.",
    )


class AdmissionPageSerializer(serializers.Serializer[Any]):
    items = AdmissionSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class AdmissionQuerySerializer(serializers.Serializer[Any]):
    limit = CountField(min_value=1, max_value=MAX_TICKETS, default=100)
    cursor = CursorField([row_id, small], source="after", help_text="`nextCursor` of the previous page.")
