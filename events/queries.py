"""Reads: events, bookings with their position on the waiting list, and faults in the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import F, Q
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from accounts.models import User
from events.models import Booking, BookingQuerySet, Event, EventStatus, Inventory
from events.models.event import EVENT_WORDS
from kit.dates import Span
from kit.db import sql
from kit.search.expressions import contains

# How many bookings to walk past, newest first, before giving up on filling a page of a search that way.
WALK = 2_000


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """Conditions that events must all meet. None means no condition. `span` limits when they start."""

    span: Span = field(default_factory=Span)
    search: str = ""
    status: str | None = None
    is_available: bool | None = None

    def matches(self, *, at: datetime) -> Q:
        found = Q()
        if self.search:
            found &= contains(EVENT_WORDS, self.search)
        if self.status is not None:
            found &= Q(status=self.status)
        if self.span.starts_at:
            found &= Q(starts_at__gte=self.span.starts_at)
        if self.span.ends_at:
            found &= Q(starts_at__lt=self.span.ends_at)
        if self.is_available is not None:
            found &= _is_available(at) if self.is_available else ~_is_available(at)
        return found


def _is_available(at: datetime) -> Q:
    """Match events where a booking is confirmed now: a seat is left, nobody is waiting, and bookings are open."""
    is_open = Q(bookings_close_at__isnull=True) | Q(bookings_close_at__gt=at)
    has_seat = Q(inventory__capacity__gt=F("inventory__withheld") + F("inventory__confirmed"))
    return Q(status=EventStatus.PUBLISHED) & is_open & Q(inventory__waiting=0) & has_seat


@dataclass(frozen=True)
class Ordering:
    """An order by `starts_at` or `created_at`, both of which have an index. Ids break ties."""

    field: str = "created_at"
    is_descending: bool = True


def events(
    *,
    viewer: User | None,
    filter: EventFilter,  # noqa: A002
    ordering: Ordering,
    after: tuple[datetime, int] | None = None,
    limit: int,
    at: datetime,
) -> list[Event]:
    """Return the first `limit` matching events that `viewer` may see after a position, with inventory. One query."""
    found = Event.objects.visible_to(viewer).with_inventory().filter(filter.matches(at=at))
    if after:
        is_behind = TupleLessThan if ordering.is_descending else TupleGreaterThan
        found = found.filter(is_behind(Tuple(F(ordering.field), F("id")), after))
    sign = "-" if ordering.is_descending else ""
    return list(found.order_by(f"{sign}{ordering.field}", f"{sign}id")[:limit])


def inventory(*, event_id: int, viewer: User | None) -> Inventory | None:
    """Return the inventory of an event that `viewer` may see, without the event."""
    return Inventory.objects.filter(event__in=Event.objects.visible_to(viewer), pk=event_id).first()


def bookings(
    *,
    viewer: User,
    event_id: int | None = None,
    status: str | None = None,
    search: str = "",
    before_id: int | None = None,
    limit: int,
) -> list[Booking]:
    """Return the newest `limit` bookings that `viewer` may see, before `before_id`, with `ahead`.

    Runs two queries, and up to five more for a search.
    """
    filters = {"event": event_id, "status": status, "pk__lt": before_id}
    found = Booking.objects.visible_to(viewer).filter(
        **{name: value for name, value in filters.items() if value is not None}
    )
    ids = _newest_matches(found, search, limit) if search else _newest(found, limit)
    return list(Booking.objects.raw(sql.text("events/bookings"), {"ids": ids})) if ids else []


def _newest(bookings: BookingQuerySet, limit: int) -> list[int]:
    return list(bookings.order_by("-pk").values_list("pk", flat=True)[:limit])


def _newest_matches(bookings: BookingQuerySet, search: str, limit: int) -> list[int]:
    """Return the ids of the newest `limit` bookings that match a search.

    As for tickets: the newest few thousand usually contain enough matches to fill a page. If not, few bookings match,
    so find and sort them all.
    """
    newest = bookings.order_by("-pk").values("pk")
    far = max(WALK, 4 * limit)
    for size in sorted({4 * limit, far, 4 * far}):
        ids = _newest(Booking.objects.search(search).filter(pk__in=newest[:size]), limit)
        # The page is full, or there is nothing left to walk along.
        if len(ids) == limit or not newest[size : size + 1]:
            return ids
        if size >= far and len(ids) < limit // 6:
            break
    return list(bookings.search_few(search).values_list("pk", flat=True)[:limit])


# A sentence for each fault that sql/booking_faults.sql can find.
FAULTS = {
    "uncounted": "has no inventory, but {found} bookings",
    "oversold": "oversold: {found} of {said} seats are sold",
    "seats_of_bookings": "{said} seats sold according to the inventory, {found} according to the bookings",
    "waiting_of_bookings": "{said} bookings waiting according to the inventory, {found} according to the bookings",
    "queue_numbers": "last queue number {said} according to the inventory, {found} according to the bookings",
    "seats_of_ledger": "{said} seats sold according to the inventory, {found} according to the ledger",
    "waiting_of_ledger": "{said} bookings waiting according to the inventory, {found} according to the ledger",
    "live_in_unpublished": "does not take bookings, but has {found} that are not cancelled",
    "room_for_waiting": "first on the waiting list for {said} seats, although {found} are free",
    "waiting_of_deactivated": "on the waiting list, although its user is deactivated",
    "passed": "got seats before booking #{said}, which has been waiting longer",
    "seats_of_entries": "has {said} seats, {found} according to the ledger",
    "waiting_of_entries": "waiting count {said} according to its status, {found} according to the ledger",
    "amount_of_entries": "worth {said}, {found} according to the ledger",
}


@dataclass(frozen=True)
class Fault:
    """A contradiction between an event's inventory, bookings and ledger, or within one booking."""

    fault: str
    event_id: int
    booking_id: int | None
    said: Decimal
    found: Decimal | None

    def __str__(self) -> str:
        where = f"Event #{self.event_id}" + (f", booking #{self.booking_id}" if self.booking_id else "")
        return f"{where}: {FAULTS[self.fault].format(said=self.said, found=self.found)}."


@dataclass(frozen=True)
class Part:
    """Consecutive events by id."""

    after_id: int
    until_id: int
    events: int
    bookings: int


def booking_parts(*, size: int) -> list[Part]:
    """Divide the events into parts of about `size` bookings. Reads all bookings once."""
    return [Part(**row) for row in sql.rows("events/booking_parts", size=size)]


def booking_faults(part: Part) -> Iterator[Fault]:
    """Yield the faults of some events. Reads all their bookings and ledger entries once."""
    for row in sql.rows("events/booking_faults", after_id=part.after_id, until_id=part.until_id):
        yield Fault(**row)
