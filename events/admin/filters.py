"""Filters of the lists of events and bookings."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from events.models import Booking, BookingEntry, EntryKind
from kit.admin.forms import is_id


class PromotedFilter(admin.SimpleListFilter):
    """Bookings promoted after an entry of the ledger. Only a link leads to it (events/admin/promoted.py)."""

    title = "promoted"
    parameter_name = "promoted_after"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(self.value() or "", "By that change or later")] if is_id(self.value()) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Booking]) -> QuerySet[Booking]:
        entries = BookingEntry.objects.filter(booking=OuterRef("pk"), kind=EntryKind.PROMOTED, pk__gt=self.value())
        return queryset.filter(Exists(entries))
