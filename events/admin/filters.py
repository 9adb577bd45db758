"""Filters of the lists of events and bookings."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, cast

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.views import ChangeList

from events.models import Booking, BookingEntry, EntryKind, Event, EventQuerySet
from kit.admin.forms import is_id
from kit.dates import Span

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


# UTC days, both included, and for money its currency: "2026-11-01..2026-11-30", "2026-11-01..2026-11-30 EUR".
MOVED = re.compile(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)(?: ([A-Z]{3}))?")


class _MovementFilter(admin.SimpleListFilter):
    """Bookings that moved in the ledger on some days. Only links lead to it (analytics/admin/figures.py)."""

    movement = Q()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        asked = self._asked()
        if asked is None:
            return []
        first, last, currency = asked
        days = f"{first}" if first == last else f"{first} to {last}"
        return [(str(self.value()), f"{days} (UTC){currency and f', {currency}'}")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        asked = self._asked()
        if asked is None:
            return queryset
        first, last, currency = asked
        span = Span.between(first, last)
        moved = Q(self.movement, booking=OuterRef("pk"), at__gte=span.starts_at, at__lt=span.ends_at)
        if currency:
            queryset = queryset.filter(event__currency=currency)
        return queryset.filter(Exists(BookingEntry.objects.filter(moved)))

    def _asked(self) -> tuple[date, date, str] | None:
        """Return the days and the currency, or None if there are none or the value is malformed."""
        if not (match := MOVED.fullmatch(self.value() or "")):
            return None
        try:
            first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2])
        except ValueError:
            return None
        return (first, last, match[3] or "") if first <= last else None


class SoldFilter(_MovementFilter):
    title = "seats sold"
    parameter_name = "sold"
    movement = Q(seats__gt=0)


class ReturnedFilter(_MovementFilter):
    title = "seats returned"
    parameter_name = "returned"
    movement = Q(seats__lt=0)


class RevenueFilter(_MovementFilter):
    title = "paid or refunded"
    parameter_name = "paid"
    movement = ~Q(amount=0)
