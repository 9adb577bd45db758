"""Tables on the pages of events and bookings."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from unfold.admin import TabularInline

from events.admin.display import BookingColumns, booking_link, holder_of
from events.models import Booking, BookingEntry, BookingQuerySet
from kit.admin.pages import ReadOnlyMixin
from kit.money import readable


class ReadOnlyInline(ReadOnlyMixin, TabularInline):
    """Read-only rows, in pages."""

    extra = 0
    per_page = 20
    tab = True
    hide_title = True
    show_count = True


class BookingInline(BookingColumns, ReadOnlyInline):
    model = Booking
    fields = ["number", "holder", "left", "status", "price", "origin", "created_at"]
    readonly_fields = fields
    ordering = ["-id"]

    @admin.display(description="booking")
    def number(self, booking: Booking) -> str:
        return booking_link(booking)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        return super().get_queryset(request).select_related("user", "event")


class QueueInline(BookingInline):
    """The waiting bookings, in the order in which they are promoted."""

    verbose_name_plural = "waiting list"
    fields = ["place", "number", "holder", "left", "created_at"]
    readonly_fields = fields
    # `queue()` orders them.
    ordering: list[str] = []

    @admin.display(description="place in line")
    def place(self, booking: Any) -> int:
        return int(booking.place)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        # The formset selects the event's bookings before they are numbered.
        place = Window(RowNumber(), order_by="queue_number")
        return cast(BookingQuerySet, super().get_queryset(request)).queue().annotate(place=place)


class EntryInline(ReadOnlyInline):
    model = BookingEntry
    verbose_name_plural = "ledger"
    fields = ["at", "number", "holder", "kind", "quantity", "seats", "waiting", "money"]
    readonly_fields = fields
    ordering = ["-id"]

    @admin.display(description="for")
    def holder(self, entry: BookingEntry) -> str:
        return holder_of(entry.booking)

    @admin.display(description="booking")
    def number(self, entry: BookingEntry) -> str:
        return booking_link(entry.booking)

    @admin.display(description="amount")
    def money(self, entry: BookingEntry) -> str:
        return readable(entry.amount, entry.event.currency)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BookingEntry]:
        return super().get_queryset(request).select_related("booking__user", "event")


class BookingEntryInline(EntryInline):
    fields = ["at", "kind", "quantity", "seats", "waiting", "money"]
    readonly_fields = fields
