"""The guest list and the waiting list of an event: to search, to print, and as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Value
from django.db.models.functions import Coalesce, Concat
from django.http import HttpRequest, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin

from accounts.permissions import staff_user
from events.admin.display import STATUS_COLOURS, address_of, event_page, fill_bar, person_of, seats_of
from events.models import Booking, BookingQuerySet, BookingStatus, Event, seats_checked_in
from kit.admin.forms import is_id
from kit.admin.refusals import long_task_refusals_as_messages
from kit.admin.stale import number_or_zero
from kit.search.expressions import SortKey
from kit.web import csv_export
from kit.zones import compact

CONFIRMED, WAITING, ALL = "confirmed", "waiting", "all"
TITLES = {CONFIRMED: "Guest list", WAITING: "Waiting list", ALL: "All bookings"}
ROWS_PER_PAGE = 50
ROWS_PER_PRINTED_PAGE = 1000
COLUMNS = (*("place", "booking", "name", "email", "seats", "status", "unitPrice", "currency", "bookedAt", "checkedIn"),)


@dataclass(frozen=True)
class Row:
    """A booking in one of the lists, with its place in line if it is waiting."""

    # With `checked_in`.
    booking: Any
    place: int | None = None

    @property
    def name(self) -> str:
        return person_of(self.booking)

    @property
    def address(self) -> str:
        return address_of(self.booking)

    @property
    def kind(self) -> str:
        return "" if self.booking.user else "guest"

    @property
    def checked_in(self) -> str:
        """Return who of the booking is in, "" if nobody."""
        number, left = self.booking.checked_in, self.booking.left
        return "" if not number else "in" if number == left else f"{number} of {left} in"

    @property
    def is_in(self) -> bool:
        return self.checked_in == "in"

    @property
    def seats(self) -> str:
        return seats_of(self.booking)

    @property
    def colour(self) -> str:
        return STATUS_COLOURS.get(BookingStatus(self.booking.status), "default")

    @property
    def url(self) -> str:
        return reverse("admin:events_booking_change", args=[self.booking.pk])


@dataclass(frozen=True)
class Wanted:
    """What the query string asks for. A search looks at all bookings of the event unless it names a list."""

    which: str
    text: str
    page: int

    @classmethod
    def by(cls, request: HttpRequest) -> "Wanted":
        text = request.GET.get("q", "").strip()
        which = request.GET.get("list", "")
        page = max(number_or_zero(request.GET.get("page", "")), 1)
        return cls(which if which in TITLES else (ALL if text else CONFIRMED), text, page)

    def link(self, **changes: Any) -> str:
        values = {"list": self.which, "q": self.text, "page": self.page, **changes}
        return f"?{urlencode({name: value for name, value in values.items() if value})}"


def guests_page(model_admin: ModelAdmin, request: HttpRequest, event: Event) -> HttpResponseBase:
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    wanted, form = Wanted.by(request), request.GET.get("as", "")
    if form == "csv":
        return _csv(request, event, wanted)
    is_printed = form == "print"
    size = ROWS_PER_PRINTED_PAGE if is_printed else ROWS_PER_PAGE
    rows = _rows(event, wanted, size)
    context = {
        "event": event,
        "starts": compact(event.starts_at, event.time_zone),
        "now": compact(timezone.now(), event.time_zone),
        "wanted": wanted,
        "heading": TITLES[wanted.which],
        "is_waiting_list": wanted.which == WAITING,
        "rows": rows[:size],
        "previous": wanted.link(page=wanted.page - 1, **{"as": form}) if wanted.page > 1 else "",
        "next": wanted.link(page=wanted.page + 1, **{"as": form}) if len(rows) > size else "",
    }
    if is_printed:
        return TemplateResponse(request, "admin/events/event/printed_guests.html", context)
    context |= model_admin.admin_site.each_context(request) | {
        "opts": model_admin.opts,
        "original": event,
        "title": f"{TITLES[wanted.which]}: {event.name}",
        "media": model_admin.media,
        "fill": fill_bar(event),
        "door": reverse("admin:events_event_check_in", args=[event.pk]),
        "back": event_page(event),
        "tabs": [
            (title, wanted.link(list=which, page=1), which == wanted.which)
            for which, title in TITLES.items()
        ],
        "csv": wanted.link(page=0, **{"as": "csv"}),
        "printed": wanted.link(page=0, **{"as": "print"}),
    }  # fmt: skip
    return TemplateResponse(request, "admin/events/event/guests.html", context)


def _rows(event: Event, wanted: Wanted, size: int) -> list[Row]:
    """Return a page of rows and, if there are more, the first of the next page."""
    skipped = (wanted.page - 1) * size
    bookings = _bookings(event, wanted)
    if wanted.which == WAITING and not wanted.text:
        # All are there, in order, so nobody has to be counted.
        return [
            Row(each, place) for place, each in enumerate(bookings[skipped : skipped + size + 1], start=skipped + 1)
        ]
    return [Row(each, each.position) for each in bookings.with_position()[skipped : skipped + size + 1]]


def _bookings(event: Event, wanted: Wanted) -> BookingQuerySet:
    bookings: Any = event.bookings.select_related("user").annotate(checked_in=seats_checked_in())
    number = wanted.text.removeprefix("#")
    if is_id(number):
        bookings = bookings.filter(pk=int(number))
    elif wanted.text:
        bookings = bookings.search_holders(wanted.text)
    if wanted.which == WAITING:
        return bookings.queue()
    if wanted.which == CONFIRMED:
        bookings = bookings.filter(status=BookingStatus.CONFIRMED)
    name = Coalesce("user__name", Concat("guest_first_name", Value(" "), "guest_last_name"))
    return bookings.order_by(SortKey(name), "pk")


def _csv(request: HttpRequest, event: Event, wanted: Wanted) -> HttpResponseBase:
    name = {CONFIRMED: "guests", WAITING: "waiting-list", ALL: "bookings"}[wanted.which]
    content = csv_export.encode(COLUMNS, _batches(event, wanted))
    response: HttpResponseBase = HttpResponseRedirect(wanted.link())
    with long_task_refusals_as_messages(request):
        response = csv_export.answer(
            f"{name}-{event.pk}", content, user_id=staff_user(request).pk, is_for_excel=True
        )  # fmt: skip
    return response  # noqa: RET504  A refusal skips the assignment.


def _batches(event: Event, wanted: Wanted) -> Iterator[Iterator[dict[str, Any]]]:
    """Yield the list in batches: the waiting list in its order, others by booking number."""
    bookings = _bookings(event, wanted)
    column = "queue_number" if wanted.which == WAITING else "pk"
    is_whole_line = wanted.which == WAITING and not wanted.text

    def fetch(last: Booking | None) -> list[Booking]:
        after = {} if last is None else {f"{column}__gt": getattr(last, column)}
        found = bookings.filter(**after).order_by(column)
        return list((found if is_whole_line else found.with_position())[: csv_export.BATCH])

    place = 0
    for batch in csv_export.batches(fetch):
        rows = [Row(each, place + i if is_whole_line else each.position) for i, each in enumerate(batch, start=1)]
        place += len(batch)
        yield (_cells(row, event) for row in rows)


def _cells(row: Row, event: Event) -> dict[str, Any]:
    booking = row.booking
    cells = (
        *(row.place, booking.pk, row.name, row.address, booking.left, booking.status, booking.unit_price),
        *(event.currency, booking.created_at.isoformat(timespec="seconds"), booking.checked_in),
    )
    return dict(zip(COLUMNS, cells, strict=True))
