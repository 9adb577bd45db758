"""The demo's box office: a season of events, and the books of how they were sold.

The books are made up here as the triggers of events/models.py would have kept them, had it all happened when it says.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.db.models import Model

from events.models import (
    MAX_PER_BOOKING,
    Booking,
    BookingEntry,
    BookingStatus,
    EntryKind,
    Event,
    EventStatus,
    Inventory,
    Origin,
)
from kit.db import sql


@dataclass(frozen=True)
class Show:
    """Something to go to so many days from now; `demand` is what is asked for, in shares of what is for sale."""

    name: str
    description: str
    venue: str
    in_days: int
    hour: int
    capacity: int
    price: str
    demand: float
    withheld: int = 0
    status: EventStatus = EventStatus.PUBLISHED


SHOWS = [
    Show("Spring concert", "The symphony opens the season.", "Riverside Hall", -48, 19, 140, "39.5", 0.9, withheld=10),
    Show("City marathon", "Twenty kilometres through the old town.", "Fairground", -20, 8, 200, "24", 0.7),
    Show("Data conference", "Two days of talks and workshops.", "Congress Centre", -6, 9, 90, "290", 1.1),
    Show("Jazz in the cellar", "A trio, and forty chairs.", "Jazz Cellar", 3, 20, 40, "29", 1.5),
    Show("Handball cup", "The quarter-final.", "East Gym", 5, 18, 120, "18.5", 0.8),
    Show("Guided tour of the lighthouse", "As far up as the lamp.", "Lighthouse Club", 9, 14, 12, "0", 2.2),
    Show("Choir anniversary", "A hundred years, a hundred voices.", "Opera House", 14, 19, 80, "49", 1.3, withheld=6),
    Show("Design days", "What things look like, and why.", "University Auditorium", 21, 9, 110, "149", 0.6),
    Show("Night of the museums", "Doors open until two.", "Museum Court", 26, 18, 160, "15", 0.4),
    Show("Founders' meeting", "Breakfast, and who pays for it.", "Town Hall", 30, 8, 24, "59.9", 1.6),
    Show("Tennis final", "Best of five.", "City Arena", 37, 15, 180, "60", 0.5),
    Show("Open-air opening", "Bring a blanket.", "Open-Air Park", 52, 20, 220, "35", 0.3),
    Show("Garden theatre", "A midsummer night, weather permitting.", "Botanical Garden", 60, 20, 70, "32", 0.5,
         status=EventStatus.CANCELLED),
    Show("Winter gala", "The programme is still being made.", "Opera House", 120, 19, 150, "79", 0,
         status=EventStatus.DRAFT),
]  # fmt: skip
# In days.
LONGEST_SALE, SHORTEST_SALE = 80, 10
NOTHING = 0

EVENT_FIELDS = (
    *("id", "name", "description", "venue", "starts_at", "bookings_close_at", "price", "max_per_booking", "status"),
    *("origin", "created_by", "created_at", "updated_at"),
)
INVENTORY_FIELDS = ("event", "capacity", "withheld", "confirmed", "waiting", "last_queue_number", "version")
BOOKING_FIELDS = (
    *("id", "event", "user", "guest_first_name", "guest_last_name", "guest_email"),
    *("quantity", "cancelled", "status", "queue_number", "unit_price", "origin", "created_at"),
)
ENTRY_FIELDS = ("event", "booking", "at", "kind", "quantity", "seats", "waiting", "amount")


@dataclass
class _Booking:
    event_id: int
    user_id: int | None
    guest: tuple[str, str, str]
    quantity: int
    created_at: datetime
    status: str = BookingStatus.CONFIRMED.value
    cancelled: int = 0
    queue_number: int | None = None
    id: int = 0

    @property
    def left(self) -> int:
        return self.quantity - self.cancelled


@dataclass
class _Books:
    """One event's: what is free, who waits, and everything that ever happened."""

    event_id: int
    price: Decimal
    free: int
    bookings: list[_Booking] = field(default_factory=list)
    queue: list[_Booking] = field(default_factory=list)
    entries: list[tuple[datetime, _Booking, str, int, int, int, Decimal]] = field(default_factory=list)
    last_queue_number: int = 0

    def book(self, booking: _Booking) -> None:
        self.bookings.append(booking)
        if not self.queue and booking.quantity <= self.free:
            self.free -= booking.quantity
            self._enter(booking.created_at, booking, EntryKind.CONFIRMED, booking.quantity, booking.quantity, 0)
            return
        self.last_queue_number += 1
        booking.status, booking.queue_number = BookingStatus.WAITING.value, self.last_queue_number
        self.queue.append(booking)
        self._enter(booking.created_at, booking, EntryKind.REQUESTED, booking.quantity, 0, 1)

    def cancel(self, booking: _Booking, number: int, *, at: datetime) -> None:
        """Give up so many of a booking's seats, and let the next ones have them."""
        is_held = booking.status == BookingStatus.CONFIRMED
        booking.cancelled += number
        self.free += number * is_held
        leaves_queue = not is_held and not booking.left
        if not booking.left:
            booking.status = BookingStatus.CANCELLED.value
        if leaves_queue:
            self.queue.remove(booking)
        self._enter(at, booking, EntryKind.CANCELLED, number, -number * is_held, -int(leaves_queue))
        while self.queue and self.queue[0].left <= self.free:
            head = self.queue.pop(0)
            head.status = BookingStatus.CONFIRMED.value
            self.free -= head.left
            self._enter(at, head, EntryKind.PROMOTED, head.left, head.left, -1)

    def close(self, *, at: datetime) -> None:
        """The event does not take place: nobody holds, gets or waits for anything any more."""
        self.queue, waiting = [], self.queue
        for booking in waiting:
            self._end(booking, at, seats=0, waiting=-1)
        for booking in self.live():
            self.free += booking.left
            self._end(booking, at, seats=-booking.left, waiting=0)

    def _end(self, booking: _Booking, at: datetime, *, seats: int, waiting: int) -> None:
        self._enter(at, booking, EntryKind.CANCELLED, booking.left, seats, waiting)
        booking.status, booking.cancelled = BookingStatus.CANCELLED.value, booking.quantity

    def live(self) -> list[_Booking]:
        return [booking for booking in self.bookings if booking.status != BookingStatus.CANCELLED]

    def _enter(self, at: datetime, booking: _Booking, kind: EntryKind, quantity: int, seats: int, waiting: int) -> None:
        self.entries.append((at, booking, kind.value, quantity, seats, waiting, seats * self.price))


def next_id(model: type[Model]) -> int:
    newest = model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
    return (newest or 0) + 1


def load(
    random: Random,
    *,
    admin_id: int,
    customer_ids: Sequence[int],
    name: Callable[[Random], tuple[str, str]],
    now: datetime,
) -> None:
    """Load SHOWS and how they sold until `now`; `name` makes the names of guests.

    What the triggers do has to be ignored, and the transaction be quiet: the caller's to see to.
    """
    first_id = next_id(Event)
    rows, books = [], []
    # In the order of their creation, as their ids are.
    for event_id, (show, created_at) in enumerate(_planned(random, now), start=first_id):
        book = _sell(random, show, event_id, created_at, customer_ids=customer_ids, name=name, now=now)
        books.append((show, book))
        rows.append(_event_row(show, event_id, admin_id, created_at, _starts_at(show, now), book))
    sql.copy(Event, EVENT_FIELDS, rows)
    sql.copy(Inventory, INVENTORY_FIELDS, (_inventory_row(show, book) for show, book in books))
    _load_bookings([book for _, book in books])


def _planned(random: Random, now: datetime) -> list[tuple[Show, datetime]]:
    """Each with when it was put up, the first to be so first."""
    planned = []
    for show in SHOWS:
        days = max(LONGEST_SALE - max(show.in_days, 0), SHORTEST_SALE) + random.random()
        planned.append((show, (now - timedelta(days=days)).replace(second=0, microsecond=0)))
    return sorted(planned, key=lambda each: each[1])


def _starts_at(show: Show, now: datetime) -> datetime:
    return now + timedelta(days=show.in_days, hours=show.hour)


def _sell(
    random: Random,
    show: Show,
    event_id: int,
    created_at: datetime,
    *,
    customer_ids: Sequence[int],
    name: Callable[[Random], tuple[str, str]],
    now: datetime,
) -> _Books:
    for_sale = show.capacity - show.withheld
    books = _Books(event_id, Decimal(show.price), for_sale)
    wishes = list(_wishes(random, round(for_sale * show.demand)))
    ends_at = min(now, _starts_at(show, now))
    span = (ends_at - created_at) / timedelta(milliseconds=1)
    times = sorted(created_at + timedelta(milliseconds=random.random() * span // 1) for _ in wishes)
    # A user has one booking of an event at a time; here, one at all.
    users = random.sample(customer_ids, min(len(customer_ids), len(wishes)))
    for at, quantity in zip(times, wishes, strict=True):
        if quantity == NOTHING:
            leaver = random.choice(books.live())
            books.cancel(leaver, leaver.left if random.random() < 0.6 else 1, at=at)
            continue
        user_id = users.pop() if users and random.random() < 0.6 else None
        guest = _guest(*name(random)) if user_id is None else ("", "", "")
        books.book(_Booking(event_id, user_id, guest, quantity, at))
    if show.status == EventStatus.CANCELLED:
        books.close(at=ends_at)
    return books


def _wishes(random: Random, seats: int) -> Iterator[int]:
    """How many tickets each one asks for, until it is so many together; NOTHING: somebody gives some up again."""
    while seats > 0:
        yield (quantity := min(seats, random.choice((1, 1, 2, 2, 2, 3, 4))))
        seats -= quantity
        if random.random() < 0.1:
            yield NOTHING


def _guest(first: str, last: str) -> tuple[str, str, str]:
    return first, last, f"{first}.{last}@example.com".lower()


def _event_row(
    show: Show, event_id: int, admin_id: int, created_at: datetime, starts_at: datetime, books: _Books
) -> Sequence[Any]:
    price, status, origin = Decimal(show.price), show.status.value, Origin.API.value
    updated_at = books.entries[-1][0] if show.status == EventStatus.CANCELLED else created_at
    text = (show.name, show.description, show.venue)
    return (
        event_id,
        *text,
        starts_at,
        starts_at,
        price,
        MAX_PER_BOOKING,
        status,
        origin,
        admin_id,
        created_at,
        updated_at,
    )


def _inventory_row(show: Show, books: _Books) -> Sequence[int]:
    confirmed = show.capacity - show.withheld - books.free
    waiting, version = len(books.queue), 1 + len(books.entries)
    return books.event_id, show.capacity, show.withheld, confirmed, waiting, books.last_queue_number, version


def _load_bookings(books: list[_Books]) -> None:
    """All of them in the order in which they were made, as their ids are; then the ledger in its own."""
    bookings = sorted((booking for book in books for booking in book.bookings), key=lambda booking: booking.created_at)
    for booking_id, booking in enumerate(bookings, start=next_id(Booking)):
        booking.id = booking_id
    price_of = {book.event_id: book.price for book in books}
    sql.copy(Booking, BOOKING_FIELDS, (_booking_row(booking, price_of[booking.event_id]) for booking in bookings))
    entries = sorted((entry for book in books for entry in book.entries), key=lambda entry: entry[0])
    sql.copy(BookingEntry, ENTRY_FIELDS, ((booking.event_id, booking.id, at, *rest) for at, booking, *rest in entries))


def _booking_row(booking: _Booking, price: Decimal) -> Sequence[Any]:
    return (
        *(booking.id, booking.event_id, booking.user_id, *booking.guest),
        *(booking.quantity, booking.cancelled, booking.status, booking.queue_number),
        *(price, Origin.API.value, booking.created_at),
    )
