"""Input and output shapes of the analytics (document 000, sections 6 and 7).

The keys, their capitalization and their order are as in the document.
"""

from datetime import date, datetime, time
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from analytics.queries import Dashboard, History, ListedTicket, Position, TicketFilter
from kit.dates import Span
from kit.web.fields import (
    CountField,
    IdFilterField,
    MomentField,
    SingleLineField,
    UtcDateTimeField,
)
from kit.web.paging import CursorField, PageSerializer, moment, row_id
from kit.web.query_strings import DependsOnTime
from sla.models import Priority
from tickets.choice_fields import StatusField
from tickets.models import Status

# Box office: the length of the default period and of the longest one.
DEFAULT_DAYS = 30
MAX_DAYS = 1100
TOO_MANY_DAYS = f"The period cannot be longer than {MAX_DAYS:,} days."


class TicketFilterSerializer(serializers.Serializer[Any]):
    """Query parameters of both ticket endpoints. An empty parameter is ignored."""

    startDate = MomentField(
        required=False,
        help_text="Created at or after this time. A date means the whole day in UTC. Averages count days in the "
        "offset of the times given here.",
    )
    endDate = MomentField(
        required=False, help_text="Created at or before this time. A date means the whole day in UTC."
    )
    status = StatusField(required=False)
    priority = serializers.ChoiceField(choices=Priority.choices, required=False)
    type = SingleLineField(required=False)
    venue = SingleLineField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        span = Span.between(attrs.pop("startDate", None), attrs.pop("endDate", None))
        page: dict[str, Any] = {name: attrs.pop(name) for name in ("limit", "cursor") if name in attrs}
        if "cursor" in page:
            page["cursor"] = Position(*page["cursor"])
        return {"filter": TicketFilter(span=span, **attrs), **page}


class HistoryFilterSerializer(TicketFilterSerializer):
    limit = CountField(min_value=1, max_value=1000, default=100, help_text="Maximum number of tickets listed.")
    cursor = CursorField([moment, row_id], help_text="`nextCursor` of the previous page.")


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


@extend_schema_serializer(component_name="TicketAnalytics")
class HistorySerializer(serializers.Serializer[History]):
    totalTickets = serializers.IntegerField(source="tickets")
    closedTickets = serializers.IntegerField(source="closed")
    openTickets = serializers.IntegerField(source="open")
    inProgressTickets = serializers.IntegerField(source="in_progress")
    priorityDistribution = PriorityCountsSerializer(source="*")
    typeDistribution = serializers.DictField(child=serializers.IntegerField())
    tickets = ListedTicketSerializer(source="page", many=True)
    nextCursor = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="DashboardAnalytics")
class DashboardSerializer(serializers.Serializer[Dashboard]):
    totalTickets = serializers.IntegerField(source="tickets")
    closedTickets = serializers.IntegerField(source="closed")
    openTickets = serializers.IntegerField(source="open")
    averageCustomerSpending = serializers.FloatField()
    AverageTicketsBookedPerDay = serializers.FloatField()
    inProgressTickets = serializers.IntegerField(source="in_progress")
    priorityDistribution = PriorityAveragesSerializer()
    typeDistribution = serializers.DictField(child=serializers.IntegerField())


class BoxOfficeFilterSerializer(DependsOnTime, PageSerializer):
    """Query parameters of the box office endpoint. `limit` and `cursor` only page the events."""

    startDate = MomentField(required=False, help_text=f"Defaults to {DEFAULT_DAYS} days before the end.")
    endDate = MomentField(required=False, help_text="Defaults to now.")
    event = IdFilterField(required=False, help_text="Only this event.")
    cursor = CursorField([row_id], help_text="`nextCursor` of the previous page.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        end = attrs.get("endDate", timezone.now().date())
        span = Span.between(attrs.get("startDate", _days_before(end)), end)
        if span.days(first=date.min, last=date.max) > MAX_DAYS:
            raise serializers.ValidationError({"startDate": [TOO_MANY_DAYS]})
        (before_id,) = attrs.get("cursor", [None])
        return {"span": span, "event_id": attrs.get("event"), "before_id": before_id, "page_size": attrs["limit"]}


def _days_before(end: date | datetime) -> date | datetime:
    """Return the start of the default period: midnight in the end's offset if it is a time."""
    first = date.fromordinal(max(end.toordinal() - DEFAULT_DAYS + 1, 1))
    if not isinstance(end, datetime) or first == date.min:
        return first
    return datetime.combine(first, time.min, tzinfo=end.tzinfo)


class MoneySerializer(serializers.Serializer[Any]):
    """Money taken in one currency."""

    currency = serializers.CharField(help_text="ISO 4217 code.")
    revenue = serializers.FloatField(help_text="Net of `refunded`.")
    refunded = serializers.FloatField()


class SeatCountsSerializer(serializers.Serializer[Any]):
    """Sales of one period."""

    sold = serializers.IntegerField(help_text="Seats sold.")
    cancelled = serializers.IntegerField(help_text="Seats returned after they were sold.")
    held = serializers.IntegerField(help_text="Seats held at the end of the period.")
    waiting = serializers.IntegerField(help_text="Bookings waiting at the end of the period.")


class TakingsSerializer(SeatCountsSerializer):
    money = MoneySerializer(
        many=True, help_text="For each currency in which money moved; amounts of different currencies are not added up."
    )


class SoldDaySerializer(TakingsSerializer):
    date = serializers.DateField(source="day")


class SoldEventSerializer(SeatCountsSerializer, MoneySerializer):
    event = serializers.IntegerField(source="id")
    name = serializers.CharField()
    startsAt = UtcDateTimeField(source="starts_at")
    capacity = serializers.IntegerField()
    forSale = serializers.IntegerField(source="for_sale", help_text="Capacity minus withheld seats.")
    fill = serializers.FloatField(help_text="Share of the seats for sale that are held, from 0 to 1.")


@extend_schema_serializer(component_name="BoxOfficeAnalytics")
class BoxOfficeSerializer(TakingsSerializer):
    days = SoldDaySerializer(many=True)
    events = SoldEventSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)
