"""The demo's box office: a season of events with their bookings, waiting lists and ledgers.

Writes the rows that the triggers of the events app would have written, had it all happened at those times.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from demo.ids import next_id
from demo.people import random_name
from events.models import (
    MAX_PER_BOOKING,
    Booking,
    BookingEntry,
    BookingStatus,
    CheckIn,
    EntryKind,
    Event,
    EventStatus,
    Inventory,
    Origin,
)
from kit.db import sql
from kit.zones import instant


@dataclass(frozen=True)
class Show:
    """An event `in_days` days from now, at an hour of its own time zone.

    `demand` is the number of tickets requested, relative to the seats for sale.
    """

    name: str
    description: str
    venue: str
    in_days: int
    hour: int
    capacity: int
    price: str
    demand: float
    withheld: int = 0
    # Hours from start to end, if known.
    lasts: int | None = None
    time_zone: str = "Europe/Berlin"
    currency: str = "EUR"
    status: EventStatus = EventStatus.PUBLISHED


SHOWS = [
    Show("Spring concert", "The symphony opens the season.", "Riverside Hall", -48, 19, 140, "39.5", 0.9, withheld=10),
    Show("City marathon", "Twenty kilometres through the old town.", "Fairground", -20, 8, 200, "24", 0.7),
    Show("Data conference", "Two days of talks and workshops.", "Congress Centre", -6, 9, 90, "290", 1.1, lasts=33),
    Show("Jazz in the cellar", "A trio, and forty chairs.", "Jazz Cellar", 3, 20, 40, "29", 1.5, lasts=3),
    Show("Handball cup", "The quarter-final.", "East Gym", 5, 18, 120, "18.5", 0.8),
    Show("Guided tour of the lighthouse", "As far up as the lamp.", "Lighthouse Club", 9, 14, 12, "0", 2.2),
    Show("Choir anniversary", "A hundred years, a hundred voices.", "Opera House", 14, 19, 80, "49", 1.3, withheld=6,
         time_zone="Europe/Zurich", currency="CHF"),
    Show("Design days", "What things look like, and why.", "University Auditorium", 21, 9, 110, "149", 0.6,
         lasts=32, time_zone="America/New_York", currency="USD"),
    Show("Night of the museums", "Doors open until two.", "Museum Court", 26, 18, 160, "15", 0.4, lasts=8),
    Show("Founders' meeting", "Breakfast, and who pays for it.", "Town Hall", 30, 8, 24, "59.9", 1.6),
    Show("Tennis final", "Best of five.", "City Arena", 37, 15, 180, "60", 0.5,
         time_zone="Europe/London", currency="GBP"),
    Show("Open-air opening", "Bring a blanket.", "Open-Air Park", 52, 20, 220, "35", 0.3),
    Show("Garden theatre", "A midsummer night, weather permitting.", "Botanical Garden", 60, 20, 70, "32", 0.5,
         status=EventStatus.CANCELLED),
    Show("Winter gala", "The programme is still being made.", "Opera House", 120, 19, 150, "79", 0,
         status=EventStatus.DRAFT),
]  # fmt: skip
# How long bookings have been open, in days.
MAX_SALE_DAYS, MIN_SALE_DAYS = 80, 10
# Stands for a cancellation among the quantities requested.
CANCELLATION = 0

EVENT_FIELDS = (
    *("id", "name", "description", "venue", "time_zone", "starts_at", "ends_at", "bookings_close_at"),
    *("price", "currency", "max_per_booking", "status", "origin", "created_by", "created_at", "updated_at", "version"),
)
INVENTORY_FIELDS = ("event", "capacity", "withheld", "confirmed", "waiting", "last_queue_number", "version")
BOOKING_FIELDS = (
    *("id", "event", "user", "guest_first_name", "guest_last_name", "guest_email"),
    *("quantity", "cancelled", "status", "queue_number", "unit_price", "origin", "created_at"),
)
CHECK_IN_FIELDS = ("event", "booking", "seat", "at", "received_at", "by", "device")
DOORS = ("Main entrance", "Side entrance")
ENTRY_FIELDS = ("event", "booking", "at", "kind", "quantity", "seats", "waiting", "amount")


@dataclass
class DemoBooking:
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
class Sales:
    """The sales of one event: free seats, waiting list and ledger."""

    event_id: int
    price: Decimal
    free: int
    bookings: list[DemoBooking] = field(default_factory=list)
    queue: list[DemoBooking] = field(default_factory=list)
    ledger: list[tuple[datetime, DemoBooking, str, int, int, int, Decimal]] = field(default_factory=list)
    last_queue_number: int = 0

    def book(self, booking: DemoBooking) -> None:
        self.bookings.append(booking)
        if not self.queue and booking.quantity <= self.free:
            self.free -= booking.quantity
            self._record(booking.created_at, booking, EntryKind.CONFIRMED, booking.quantity, booking.quantity, 0)
            return
        self.last_queue_number += 1
        booking.status, booking.queue_number = BookingStatus.WAITING.value, self.last_queue_number
        self.queue.append(booking)
        self._record(booking.created_at, booking, EntryKind.REQUESTED, booking.quantity, 0, 1)

    def cancel(self, booking: DemoBooking, number: int, *, at: datetime) -> None:
        """Cancel `number` seats of a booking and promote from the waiting list."""
        is_held = booking.status == BookingStatus.CONFIRMED
        booking.cancelled += number
        self.free += number * is_held
        leaves_queue = not is_held and not booking.left
        if not booking.left:
            booking.status = BookingStatus.CANCELLED.value
        if leaves_queue:
            self.queue.remove(booking)
        self._record(at, booking, EntryKind.CANCELLED, number, -number * is_held, -int(leaves_queue))
        while self.queue and self.queue[0].left <= self.free:
            head = self.queue.pop(0)
            head.status = BookingStatus.CONFIRMED.value
            self.free -= head.left
            self._record(at, head, EntryKind.PROMOTED, head.left, head.left, -1)

    def cancel_event(self, *, at: datetime) -> None:
        """Cancel all bookings, because the event is cancelled."""
        self.queue, waiting = [], self.queue
        for booking in waiting:
            self._cancel_rest(booking, at, seats=0, waiting=-1)
        for booking in self.live():
            self.free += booking.left
            self._cancel_rest(booking, at, seats=-booking.left, waiting=0)

    def _cancel_rest(self, booking: DemoBooking, at: datetime, *, seats: int, waiting: int) -> None:
        self._record(at, booking, EntryKind.CANCELLED, booking.left, seats, waiting)
        booking.status, booking.cancelled = BookingStatus.CANCELLED.value, booking.quantity

    def live(self) -> list[DemoBooking]:
        return [booking for booking in self.bookings if booking.status != BookingStatus.CANCELLED]

    def _record(
        self, at: datetime, booking: DemoBooking, kind: EntryKind, quantity: int, seats: int, waiting: int
    ) -> None:
        self.ledger.append((at, booking, kind.value, quantity, seats, waiting, seats * self.price))


def load(
    random: Random, *, admin_id: int, agent_ids: Sequence[int], customer_ids: Sequence[int], now: datetime
) -> None:
    """Load SHOWS, their sales until `now`, and who came to those that are over.

    The caller must ignore the triggers that would write the same rows, and suppress e-mails.
    """
    rows, all_sales = [], []
    # In order of creation, so that ids follow it.
    for event_id, (show, created_at) in enumerate(_creation_times(random, now), start=next_id(Event)):
        sales = _sell(random, show, event_id, created_at, customer_ids=customer_ids, now=now)
        all_sales.append((show, sales))
        rows.append(_event_row(show, event_id, admin_id, created_at, _starts_at(show, now), sales))
    sql.copy(Event, EVENT_FIELDS, rows)
    sql.copy(Inventory, INVENTORY_FIELDS, (_inventory_row(show, sales) for show, sales in all_sales))
    _load_bookings([sales for _, sales in all_sales])
    scans = [
        scan
        for show, sales in all_sales
        if _starts_at(show, now) < now
        for scan in _scans(random, sales, doors_open_at=_starts_at(show, now) - timedelta(hours=1), by=agent_ids)
    ]
    sql.copy(CheckIn, CHECK_IN_FIELDS, sorted(scans, key=lambda scan: scan[3]))


def _creation_times(random: Random, now: datetime) -> list[tuple[Show, datetime]]:
    """Return the shows with the times of their creation, in that order."""
    created = []
    for show in SHOWS:
        days = max(MAX_SALE_DAYS - max(show.in_days, 0), MIN_SALE_DAYS) + random.random()
        created.append((show, (now - timedelta(days=days)).replace(second=0, microsecond=0)))
    return sorted(created, key=lambda show_and_time: show_and_time[1])


def _starts_at(show: Show, now: datetime) -> datetime:
    day = (now + timedelta(days=show.in_days)).date()
    return instant(datetime.combine(day, time(show.hour)), show.time_zone)


def _sell(
    random: Random, show: Show, event_id: int, created_at: datetime, *, customer_ids: Sequence[int], now: datetime
) -> Sales:
    for_sale = show.capacity - show.withheld
    sales = Sales(event_id, Decimal(show.price), for_sale)
    requests = list(_requests(random, round(for_sale * show.demand)))
    ends_at = min(now, _starts_at(show, now))
    span = (ends_at - created_at) / timedelta(milliseconds=1)
    times = sorted(created_at + timedelta(milliseconds=random.random() * span // 1) for _ in requests)
    # A user can have only one live booking per event, so each books at most once here.
    user_ids = random.sample(customer_ids, min(len(customer_ids), len(requests)))
    for at, quantity in zip(times, requests, strict=True):
        if quantity == CANCELLATION:
            booking = random.choice(sales.live())
            sales.cancel(booking, booking.left if random.random() < 0.6 else 1, at=at)
            continue
        user_id = user_ids.pop() if user_ids and random.random() < 0.6 else None
        guest = _guest(*random_name(random)) if user_id is None else ("", "", "")
        sales.book(DemoBooking(event_id, user_id, guest, quantity, at))
    if show.status == EventStatus.CANCELLED:
        sales.cancel_event(at=ends_at)
    return sales


def _requests(random: Random, tickets: int) -> Iterator[int]:
    """Yield quantities that add up to `tickets`, with a CANCELLATION here and there."""
    while tickets > 0:
        yield (quantity := min(tickets, random.choice((1, 1, 2, 2, 2, 3, 4))))
        tickets -= quantity
        if random.random() < 0.1:
            yield CANCELLATION


def _guest(first: str, last: str) -> tuple[str, str, str]:
    return first, last, f"{first}.{last}@example.com".lower()


def _event_row(
    show: Show, event_id: int, admin_id: int, created_at: datetime, starts_at: datetime, sales: Sales
) -> Sequence[Any]:
    updated_at = sales.ledger[-1][0] if show.status == EventStatus.CANCELLED else created_at
    return (
        *(event_id, show.name, show.description, show.venue, show.time_zone),
        # Bookings close at the start.
        *(starts_at, show.lasts and starts_at + timedelta(hours=show.lasts), starts_at),
        *(Decimal(show.price), show.currency, MAX_PER_BOOKING, show.status.value),
        *(Origin.API.value, admin_id, created_at, updated_at, 1),
    )


def _inventory_row(show: Show, sales: Sales) -> Sequence[int]:
    confirmed = show.capacity - show.withheld - sales.free
    waiting, version = len(sales.queue), 1 + len(sales.ledger)
    return sales.event_id, show.capacity, show.withheld, confirmed, waiting, sales.last_queue_number, version


def _load_bookings(all_sales: list[Sales]) -> None:
    """Load the bookings of all events in order of creation, so that ids follow it, and then the ledger in its order."""
    bookings = sorted(
        (booking for sales in all_sales for booking in sales.bookings), key=lambda booking: booking.created_at
    )
    for booking_id, booking in enumerate(bookings, start=next_id(Booking)):
        booking.id = booking_id
    prices = {sales.event_id: sales.price for sales in all_sales}
    sql.copy(Booking, BOOKING_FIELDS, (_booking_row(booking, prices[booking.event_id]) for booking in bookings))
    entries = sorted((entry for sales in all_sales for entry in sales.ledger), key=lambda entry: entry[0])
    sql.copy(BookingEntry, ENTRY_FIELDS, ((booking.event_id, booking.id, at, *rest) for at, booking, *rest in entries))


def _scans(random: Random, sales: Sales, *, doors_open_at: datetime, by: Sequence[int]) -> Iterator[Sequence[Any]]:
    """Yield the check-ins of an event. Nine out of ten seats are taken, most of them before the start."""
    for booking in sales.live():
        if booking.status != BookingStatus.CONFIRMED:
            continue
        door = random.randrange(len(DOORS))
        came_at = doors_open_at + timedelta(seconds=int(random.triangular(0, 4500, 2700)))
        for seat in range(1, booking.left + 1):
            if random.random() < 0.9:
                at = came_at + timedelta(seconds=4 * seat)
                yield sales.event_id, booking.id, seat, at, at, by[door % len(by)], DOORS[door]


def _booking_row(booking: DemoBooking, price: Decimal) -> Sequence[Any]:
    return (
        *(booking.id, booking.event_id, booking.user_id, *booking.guest),
        *(booking.quantity, booking.cancelled, booking.status, booking.queue_number),
        *(price, Origin.API.value, booking.created_at),
    )
