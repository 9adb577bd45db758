"""Tables on the pages of events and bookings."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from unfold.admin import TabularInline

from events.admin.display import BookingColumns, booking_link, holder_cell
from events.models import Booking, BookingEntry, BookingQuerySet, CheckIn
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


class OfBookingInline(ReadOnlyInline):
    """Rows that are about a booking of the event."""

    @admin.display(description="for")
    def holder(self, row: CheckIn | BookingEntry) -> str:
        return holder_cell(row.booking)

    @admin.display(description="booking")
    def number(self, row: CheckIn | BookingEntry) -> str:
        return booking_link(row.booking)


class CheckInInline(OfBookingInline):
    """Every scan: who checked in whom, and who undid it."""

    model = CheckIn
    fk_name = "event"
    fields = ["at", "number", "holder", "seat", "result", "by", "device", "undone"]
    readonly_fields = fields
    ordering = ["-id"]

    @admin.display(description="result")
    def result(self, scan: CheckIn) -> str:
        return scan.outcome.label

    @admin.display(description="undone by", empty_value="")
    def undone(self, scan: CheckIn) -> str | None:
        if scan.undone_at is None:
            return None
        return scan.undone_by.name if scan.undone_by else "seat cancelled"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CheckIn]:
        return super().get_queryset(request).select_related("booking__user", "by", "undone_by")


class BookingCheckInInline(CheckInInline):
    fk_name = "booking"
    fields = ["at", "seat", "result", "by", "device", "undone"]
    readonly_fields = fields


class EntryInline(OfBookingInline):
    model = BookingEntry
    verbose_name_plural = "ledger"
    fields = ["at", "number", "holder", "kind", "quantity", "seats", "waiting", "money"]
    readonly_fields = fields
    ordering = ["-id"]

    @admin.display(description="amount")
    def money(self, entry: BookingEntry) -> str:
        return readable(entry.amount, entry.event.currency)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BookingEntry]:
        return super().get_queryset(request).select_related("booking__user", "event")


class BookingEntryInline(EntryInline):
    fields = ["at", "kind", "quantity", "seats", "waiting", "money"]
    readonly_fields = fields
