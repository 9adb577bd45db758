"""Questions to the box office that take raw SQL: one function each, one statement in sql/ each."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ticketing import sql

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
class Span:
    """Some events that follow each other by id."""

    after_id: int
    until_id: int
    events: int
    bookings: int


def booking_spans(*, size: int) -> list[Span]:
    """Divide the events so that each part has about `size` bookings. Takes a pass over all bookings."""
    return [Span(**row) for row in sql.rows("events/booking_spans", size=size)]


def booking_faults(span: Span) -> Iterator[Fault]:
    """Where the books of some events contradict themselves. Takes a pass over their bookings and entries."""
    for row in sql.rows("events/booking_faults", after_id=span.after_id, until_id=span.until_id):
        yield Fault(**row)
