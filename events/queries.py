"""Which events and bookings there are, where those stand that wait, and whether the books add up."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import F, Q
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from accounts.models import User
from events.models import Booking, Event, EventStatus, Inventory
from kit.dates import Span
from kit.db import sql


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """Which events are meant; None: any. All of it must match. `span` bounds when they start."""

    span: Span = field(default_factory=Span)
    search: str = ""
    status: str | None = None
    is_available: bool | None = None

    def matches(self, *, at: datetime) -> Q:
        found = Q()
        if self.search:
            found &= Q(name__icontains=self.search) | Q(venue__icontains=self.search)
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
    """One who comes now gets a seat at once: a seat is left, nobody waits for it, and bookings are taken."""
    is_open = Q(bookings_close_at__isnull=True) | Q(bookings_close_at__gt=at)
    has_seat = Q(inventory__capacity__gt=F("inventory__withheld") + F("inventory__confirmed"))
    return Q(status=EventStatus.PUBLISHED) & is_open & Q(inventory__waiting=0) & has_seat


@dataclass(frozen=True)
class Ordering:
    """By when they start or were made; the ids decide among equals. Both have an index."""

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
    """The first `limit` events, with their seats, that `viewer` sees; of these, those `after` a place. One query."""
    found = Event.objects.visible_to(viewer).with_inventory().filter(filter.matches(at=at))
    if after:
        is_behind = TupleLessThan if ordering.is_descending else TupleGreaterThan
        found = found.filter(is_behind(Tuple(F(ordering.field), F("id")), after))
    sign = "-" if ordering.is_descending else ""
    return list(found.order_by(f"{sign}{ordering.field}", f"{sign}id")[:limit])


def inventory(*, event_id: int, viewer: User | None) -> Inventory | None:
    """The seats of an event that `viewer` sees, without what they are seats of."""
    return Inventory.objects.filter(event__in=Event.objects.visible_to(viewer), pk=event_id).first()


def bookings(
    *,
    viewer: User,
    event_id: int | None = None,
    status: str | None = None,
    before_id: int | None = None,
    limit: int,
) -> list[Booking]:
    """The first `limit` bookings that `viewer` sees, newest first, those before `before_id`. Two queries.

    Each tells by `ahead` how many wait in front of it.
    """
    filters = {"event": event_id, "status": status, "pk__lt": before_id}
    found = Booking.objects.visible_to(viewer).filter(
        **{name: value for name, value in filters.items() if value is not None}
    )
    ids = list(found.order_by("-pk").values_list("pk", flat=True)[:limit])
    return list(Booking.objects.raw(sql.text("events/bookings"), {"ids": ids})) if ids else []


# What `booking_faults` finds, as a person is told of it.
FAULTS = {
    "uncounted": "its seats are not counted anywhere; {found} bookings",
    "oversold": "oversold: {found} seats are sold of {said}",
    "seats_of_bookings": "the inventory says that {said} seats are sold, its bookings say {found}",
    "waiting_of_bookings": "the inventory says that {said} bookings wait, its bookings say {found}",
    "queue_numbers": "the inventory says that {said} is the last number in the queue, its bookings say {found}",
    "seats_of_ledger": "the inventory says that {said} seats are sold, the ledger says {found}",
    "waiting_of_ledger": "the inventory says that {said} bookings wait, the ledger says {found}",
    "live_in_unpublished": "takes no bookings and has {found} that are not cancelled",
    "room_for_waiting": "waits for {said} seats, first in the queue, while {found} are free",
    "passed": "was given seats before booking #{said}, which waits since earlier",
    "seats_of_entries": "holds {said} seats, the ledger says {found}",
    "waiting_of_entries": "waits {said} times by its status, {found} times by the ledger",
    "amount_of_entries": "comes to {said}, the ledger says {found}",
}


@dataclass(frozen=True)
class Fault:
    """Something that the books of an event contradict each other in; where it is one booking's, of that."""

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
    """Some events that follow each other by id."""

    after_id: int
    until_id: int
    events: int
    bookings: int


def booking_parts(*, size: int) -> list[Part]:
    """Divide the events so that each part has about `size` bookings. Takes a pass over all bookings."""
    return [Part(**row) for row in sql.rows("events/booking_parts", size=size)]


def booking_faults(part: Part) -> Iterator[Fault]:
    """Where the books of some events contradict themselves. Takes a pass over their bookings and entries."""
    for row in sql.rows("events/booking_faults", after_id=part.after_id, until_id=part.until_id):
        yield Fault(**row)
