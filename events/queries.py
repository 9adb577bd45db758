"""Reads: events, bookings with their position on the waiting list, and faults in the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from accounts.models import User
from events.models import Booking, BookingQuerySet
from events.ticket_codes import Ticket
from kit.dates import Span
from kit.db import sql

# An event or a booking as SQL returns it, with the keys of the API; events/shapes.py makes it JSON.
Row = dict[str, Any]

# How many bookings to walk past, newest first, before giving up on filling a page of a search that way.
WALK = 2_000


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """Conditions that events must all meet. None means no condition. `span` limits when they start."""

    span: Span = field(default_factory=Span)
    search: str = ""
    status: str | None = None
    # Whether a booking is confirmed now: a seat is left, nobody is waiting, and bookings are open.
    is_available: bool | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of sql/events.sql and sql/search_events.sql."""
        return {
            "search": self.search,
            "status": self.status,
            "is_available": self.is_available,
            "starts_at": self.span.starts_at,
            "ends_at": self.span.ends_at,
        }


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
) -> list[Row]:
    """Return the first `limit` matching events that `viewer` may see after a position, with the keys of the API.

    Each also has its `place`, the time that it is sorted by. One statement.
    """
    start = ("infinity", sql.MAX_ID) if ordering.is_descending else ("-infinity", -1)
    after_time, after_id = after or start
    page = {"is_admin": sees_drafts(viewer), "after": after_time, "after_id": after_id, "row_limit": limit}
    if filter == EventFilter() and ordering == Ordering():
        return sql.prepared("events/next_events", **page)
    statement = "events/search_events" if filter.search else "events/events"
    order = {"ordering": ordering.field, "is_descending": ordering.is_descending}
    return sql.rows(statement, **page, **order, **filter.parameters(), at=at)


def events_by_id(ids: list[int], *, is_admin: bool) -> list[Row]:
    """Return these events as `events` does, in any order; drafts are for admins. Runs one statement."""
    return sql.prepared("events/events_by_id", ids=ids, is_admin=is_admin) if ids else []


def event(*, event_id: int, viewer: User | None) -> Row | None:
    """Return an event that `viewer` may see, as one of `events`, and when it was changed."""
    return sql.find("events/event", event_id=event_id, is_admin=sees_drafts(viewer))


def bookings_by_id(ids: list[int]) -> list[Row]:
    """Return these bookings of any holder, newest first. Runs one statement."""
    return sql.prepared("events/bookings", ids=ids) if ids else []


def likely_events(*, text: str, viewer: User, at: datetime, limit: int) -> list[Row]:
    """Return the events that `viewer` may see and is most likely to mean by a search. One statement."""
    return sql.rows("events/likely", text=text, is_admin=sees_drafts(viewer), at=at, row_limit=limit)


def guests(*, text: str, limit: int) -> list[Row]:
    """Return the bookings of guests that a search is most likely to mean. One statement; for those who see all."""
    return sql.rows("events/guests", text=text, walk=WALK, row_limit=limit)


def availability(*, event_id: int, viewer: User | None) -> Row | None:
    """Return the seats of an event that `viewer` may see."""
    return sql.find("events/availability", event_id=event_id, is_admin=sees_drafts(viewer))


def page_of_events(*, viewer: User, skipped: int, limit: int) -> list[Row]:
    """Return the newest events that `viewer` may see after the first `skipped`, without their long texts."""
    return sql.rows("events/page_of_events", is_admin=sees_drafts(viewer), skipped=skipped, row_limit=limit)


def sees_drafts(viewer: User | None) -> bool:
    """Return the parameter `is_admin` of the statements, as Event.objects.visible_to decides."""
    return viewer is not None and viewer.is_admin


def booking(*, booking_id: int, viewer: User | None, is_proven: bool = False) -> Row | None:
    """Return a booking that `viewer` may see, as one of `bookings`.

    `is_proven`: the caller has proven that the booking is theirs, for example by its manage token.
    """
    if viewer is None and not is_proven:
        return None
    user_id = None if viewer is None or is_proven else _user_id(viewer)
    return sql.find("events/booking", booking_id=booking_id, user_id=user_id)


def _user_id(viewer: User) -> int | None:
    """Return the parameter for SQL: null for those who see every booking."""
    return None if viewer.is_admin else viewer.pk


def bookings(
    *,
    viewer: User,
    event_id: int | None = None,
    status: str | None = None,
    search: str = "",
    before_id: int | None = None,
    limit: int,
) -> list[Row]:
    """Return the newest `limit` bookings that `viewer` may see, before `before_id`, with the keys of the API.

    Runs one statement, and up to six more for a search.
    """
    if search:
        filters = {"event": event_id, "status": status, "pk__lt": before_id}
        found = Booking.objects.visible_to(viewer).filter(
            **{name: value for name, value in filters.items() if value is not None}
        )
        ids = newest_matches(found, search=search, limit=limit)
        return bookings_by_id(ids)
    page: dict[str, Any] = {"before_id": sql.MAX_ID if before_id is None else before_id, "row_limit": limit}
    user_id = _user_id(viewer)
    if event_id is not None or status is not None:
        return sql.rows("events/filtered_bookings", user_id=user_id, event_id=event_id, status=status, **page)
    if user_id is None:
        return sql.prepared("events/newest_bookings", **page)
    return sql.prepared("events/bookings_of_user", user_id=user_id, **page)


def visible_bookings_by_id(ids: list[int], *, viewer: User) -> list[Row]:
    """Return those of these bookings that `viewer` may see, as `bookings` does. Two statements."""
    return bookings_by_id(list(Booking.objects.visible_to(viewer).filter(pk__in=ids).values_list("pk", flat=True)))


def _newest(bookings: BookingQuerySet, limit: int) -> list[int]:
    return list(bookings.order_by("-pk").values_list("pk", flat=True)[:limit])


def newest_matches(bookings: BookingQuerySet, *, search: str, limit: int) -> list[int]:
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


def tickets(
    *, booking_id: int, viewer: User | None, is_proven: bool = False, after: int = 0, limit: int
) -> list[Row] | None:
    """Return the e-tickets of a booking after a seat, with their codes, or None if `viewer` may not see the booking.

    `is_proven` as in `booking`. One statement.
    """
    if not 0 < booking_id <= sql.MAX_ID or (viewer is None and not is_proven):
        return None
    user_id = None if viewer is None or is_proven else _user_id(viewer)
    rows = sql.prepared("events/tickets", booking_id=booking_id, user_id=user_id, after=after, row_limit=limit)
    return (
        [row | {"code": Ticket(booking_id, row["seat"], row["revision"]).code()} for row in rows if row["seat"]]
        if rows
        else None
    )


def attendance(*, event_id: int, viewer: User) -> Row | None:
    """Return how many seats of an event that `viewer` may see are checked in, and how many are sold."""
    return sql.find("events/attendance", event_id=event_id, is_admin=sees_drafts(viewer))


def check_ins(*, event_id: int, outcome: str | None = None, before_id: int | None = None, limit: int) -> list[Row]:
    """Return the newest `limit` scans of an event, before `before_id`, with the keys of the API. One statement."""
    last = sql.MAX_ID if before_id is None else before_id
    return sql.prepared("events/check_ins", event_id=event_id, outcome=outcome, before_id=last, row_limit=limit)


def admissions(*, event_id: int, after: tuple[int, int] = (0, 0), limit: int) -> list[Row]:
    """Return the first `limit` e-tickets of an event after a booking and a seat, with the digests of their codes.

    There are several digests while codes made with an earlier SECRET_KEY are valid. One statement.
    """
    booking_id, seat = after
    rows = sql.prepared("events/admissions", event_id=event_id, booking_id=booking_id, after=seat, row_limit=limit)
    return [row | {"sha256": _digests(Ticket(row["booking"], row["seat"], row["revision"]))} for row in rows]


def _digests(ticket: Ticket) -> list[str]:
    return [sha256(code.encode()).hexdigest() for code in ticket.codes()]


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
    "seats_of_check_ins": "has {said} seats, but seat {found} is checked in",
    "checked_in_twice": "seat {said} is checked in {found} times",
}


@dataclass(frozen=True)
class Fault:
    """A contradiction between an event's inventory, bookings, ledger and check-ins, or within one booking."""

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
    """Yield the faults of some events. Reads all their bookings, ledger entries and check-ins once."""
    for row in sql.rows("events/booking_faults", after_id=part.after_id, until_id=part.until_id):
        yield Fault(**row)
