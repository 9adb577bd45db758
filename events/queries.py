"""Which events and bookings there are, and where those stand that wait."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, Q
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from accounts.models import User
from events.models import Booking, Event, EventStatus, Inventory
from ticketing import sql
from ticketing.spans import Span


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
