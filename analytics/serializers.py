"""The wire shapes of the analytics (CONTRACTS: analytics; document 000, sections 6 and 7).

Keys, their capitals and their order are the document's.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rest_framework import serializers

from analytics.queries import Dashboard, History, ListedTicket, Position, Span, TicketFilter
from ticketing.fields import SingleLineField, UtcDateTimeField, plain_number, utc_text
from ticketing.sql import MAX_ID
from tickets.models import Priority, Status
from tickets.serializers import StatusField

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Always there, even when no ticket is of them.
TYPES_OF_THE_DOCUMENT = ("concert", "conference", "sports")


class MomentField(UtcDateTimeField):
    """A time with an offset, or a date for the whole of that UTC day."""

    default_error_messages = {"invalid": "Neither a date (2024-07-01) nor a time (2024-07-01T18:00:00Z)."}

    def to_internal_value(self, value: str) -> date | datetime:  # type: ignore[override]
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                self.fail("invalid")
        return super().to_internal_value(value)

    def fail(self, key: str, **values: Any) -> Any:
        """Say the same of whatever cannot be read, without naming formats one by one."""
        super().fail(key if key in ("naive", "overflow") else "invalid", **values)


class CursorField(serializers.CharField):
    """A `Position`, opaque to clients: microseconds since 1970 and an id."""

    default_error_messages = {"cursor": "This is no cursor of this list."}

    def to_internal_value(self, data: Any) -> Position:  # type: ignore[override]
        text = super().to_internal_value(data)
        try:
            decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
            microseconds, id_ = (int(number) for number in decoded.split(".", 1))
            position = Position(EPOCH + microseconds * MICROSECOND, id_)
        except (ValueError, OverflowError, binascii.Error):
            self.fail("cursor")
        if abs(id_) > MAX_ID or self.to_representation(position) != text:
            self.fail("cursor")
        return position

    def to_representation(self, value: Position) -> str:  # type: ignore[override]
        text = f"{(value.created_at - EPOCH) // MICROSECOND}.{value.id}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class TicketFilterSerializer(serializers.Serializer[Any]):
    """The query string of both answers. A parameter that is empty filters nothing."""

    startDate = MomentField(required=False, help_text="Created at this time or later; a date: that whole day, in UTC.")
    endDate = MomentField(required=False, help_text="Created at this time or earlier; a date: that whole day, in UTC.")
    status = StatusField(required=False)
    priority = serializers.ChoiceField(choices=Priority.choices, required=False)
    type = SingleLineField(required=False)
    venue = SingleLineField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        span = Span.between(attrs.pop("startDate", None), attrs.pop("endDate", None))
        page: dict[str, Any] = {name: attrs.pop(name) for name in ("limit", "cursor") if name in attrs}
        return {"filter": TicketFilter(span=span, **attrs), **page}


class HistoryFilterSerializer(TicketFilterSerializer):
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=100, help_text="Tickets listed.")
    cursor = CursorField(required=False, help_text="The `nextCursor` of the page before.")


class PriorityCountsSerializer(serializers.Serializer[Any]):
    low = serializers.IntegerField()
    medium = serializers.IntegerField()
    high = serializers.IntegerField()


class PriorityAveragesSerializer(serializers.Serializer[Any]):
    low = serializers.IntegerField()
    averageLowTicketsBookedPerDay = serializers.FloatField()
    medium = serializers.IntegerField()
    averageMediumTicketsBookedPerDay = serializers.FloatField()
    high = serializers.IntegerField()
    AverageHighTicketsBookedPerDay = serializers.FloatField()


class ListedTicketSerializer(serializers.Serializer[ListedTicket]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.values)
    priority = serializers.ChoiceField(choices=Priority.values)
    type = serializers.CharField()
    venue = serializers.CharField()
    createdDate = UtcDateTimeField()
    createdBy = serializers.IntegerField()

    def to_representation(self, instance: ListedTicket) -> dict[str, Any]:
        # Written out, because there may be a thousand: field by field takes five times as long.
        return {
            "id": instance.id,
            "title": instance.title,
            "status": instance.status,
            "priority": instance.priority,
            "type": instance.type,
            "venue": instance.venue,
            "createdDate": utc_text(instance.created_at),
            "createdBy": instance.created_by_id,
        }


class HistorySerializer(serializers.Serializer[History]):
    totalTickets = serializers.IntegerField(source="tickets")
    closedTickets = serializers.IntegerField(source="closed")
    openTickets = serializers.IntegerField(source="open")
    inProgressTickets = serializers.IntegerField(source="in_progress")
    priorityDistribution = PriorityCountsSerializer(source="*")
    typeDistribution = serializers.SerializerMethodField()
    tickets = ListedTicketSerializer(source="page", many=True)
    nextCursor = CursorField(source="next", allow_null=True)

    def get_typeDistribution(self, figures: History) -> dict[str, int]:  # noqa: N802
        return type_distribution(figures.types)


class DashboardSerializer(serializers.Serializer[Dashboard]):
    totalTickets = serializers.IntegerField(source="tickets")
    closedTickets = serializers.IntegerField(source="closed")
    openTickets = serializers.IntegerField(source="open")
    averageCustomerSpending = serializers.SerializerMethodField()
    AverageTicketsBookedPerDay = serializers.SerializerMethodField()
    inProgressTickets = serializers.IntegerField(source="in_progress")
    priorityDistribution = serializers.SerializerMethodField()
    typeDistribution = serializers.SerializerMethodField()

    def get_averageCustomerSpending(self, figures: Dashboard) -> float:  # noqa: N802
        return average(figures.spent, figures.customers)

    def get_AverageTicketsBookedPerDay(self, figures: Dashboard) -> float:  # noqa: N802
        return average(figures.tickets, figures.days)

    def get_priorityDistribution(self, figures: Dashboard) -> PriorityAveragesSerializer:  # noqa: N802
        return {  # type: ignore[return-value]
            "low": figures.low,
            "averageLowTicketsBookedPerDay": average(figures.low, figures.days),
            "medium": figures.medium,
            "averageMediumTicketsBookedPerDay": average(figures.medium, figures.days),
            "high": figures.high,
            "AverageHighTicketsBookedPerDay": average(figures.high, figures.days),
        }

    def get_typeDistribution(self, figures: Dashboard) -> dict[str, int]:  # noqa: N802
        return type_distribution(figures.types)


def average(total: Decimal | int, number: int) -> int | float:
    """The total divided by `number`, rounded to cents half up; 0 when there is nothing to divide by."""
    if not number:
        return 0
    return plain_number((Decimal(total) / number).quantize(Decimal("0.01"), ROUND_HALF_UP))


def type_distribution(types: Mapping[str, int]) -> dict[str, int]:
    return dict.fromkeys(TYPES_OF_THE_DOCUMENT, 0) | dict(types)
