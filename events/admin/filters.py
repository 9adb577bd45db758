"""Filters of the lists of events and bookings."""

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.views import ChangeList

from events.models import Booking, BookingEntry, EntryKind, Event, EventQuerySet
from kit.admin.forms import is_id

UPCOMING, PAST, ALL = "upcoming", "past", "all"


def period_of(request: HttpRequest) -> str:
    """Return which events the list shows: upcoming ones unless it is asked for others, and all for a search."""
    period = request.GET.get("when", "")
    return period if period in (UPCOMING, PAST, ALL) else (ALL if request.GET.get("q") else UPCOMING)


class PeriodFilter(admin.SimpleListFilter):
    title = "when"
    parameter_name = "when"
    # Its choices are the tabs above the list.
    template = "admin/events/event/no_filter.html"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self.period = period_of(request)
        super().__init__(request, *args)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(UPCOMING, "Upcoming"), (PAST, "Past"), (ALL, "All")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        for value, title in self.lookup_choices:
            url = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": value == self.period, "query_string": url, "display": title}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        events, at = cast(EventQuerySet, queryset), timezone.now()
        return {UPCOMING: events.upcoming, PAST: events.past}.get(self.period, lambda _: events)(at)


class EventChangeList(ChangeList):
    @property
    def periods(self) -> list[dict[str, Any]]:
        """Return the choices of `PeriodFilter` for the tabs."""
        return [choice for spec in self.filter_specs if isinstance(spec, PeriodFilter) for choice in spec.choices(self)]


class PromotedFilter(admin.SimpleListFilter):
    """Bookings promoted after an entry of the ledger. Only a link leads to it (events/admin/promoted.py)."""

    title = "promoted"
    parameter_name = "promoted_after"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(self.value() or "", "By that change or later")] if is_id(self.value()) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        entries = BookingEntry.objects.filter(booking=OuterRef("pk"), kind=EntryKind.PROMOTED, pk__gt=self.value())
        return queryset.filter(Exists(entries))
