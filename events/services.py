"""What changes events and bookings. One keyword-only function a use case; the actor is `by`, the clock is `at`.

Every writer takes the same lock first, the event's inventory, then the rest. What a change of a booking entails (the
numbers of seats, the ledger, who comes next, the mails) is done by the triggers in the same transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import models, transaction
from django.db.models import F, Max, ProtectedError

from accounts.models import User
from events.models import MAX_CAPACITY, Booking, BookingQuerySet, BookingStatus, Event, EventStatus, Inventory, Origin
from kit.db import sql
from kit.errors import Busy, Conflict, Invalid, Missing
from kit.idempotency.keys import Key, claiming

# Whether somebody may be booked is looked at again when what stood in the way has gone meanwhile.
TRIES = 3
# What of an event is its inventory's.
SEATS = ["capacity", "withheld"]
TOO_MUCH_WITHHELD = "There are not so many seats."


class EventNotFound(Missing):
    message = "Event not found"


class EventCancelled(Conflict):
    message = "The event has been cancelled"


class EventNotPublished(Conflict):
    message = "The event is a draft: it takes no bookings yet"


class BookingsClosed(Conflict):
    message = "Bookings for this event have closed"


class MoreThanForSale(Invalid):
    message = "The event has not so many tickets"


class TooManyAtOnce(Invalid):
    message = "That is more than one booking of this event may have"


class AlreadyBooked(Conflict):
    message = "The user has a booking for this event already"


class AlreadyWaiting(AlreadyBooked):
    message = "The user is on the waiting list of this event already"


class NotEnoughLeft(Conflict):
    message = "There are not enough tickets left"


class BookingNotFound(Missing):
    message = "Booking not found"


class AlreadyCancelled(Conflict):
    message = "The booking has been cancelled already"


class MoreThanBooked(Conflict):
    message = "The booking has not so many tickets left"


class CapacityBelowSold(Conflict):
    message = "More tickets are sold than that"


class CapacityBelowWaiting(Conflict):
    message = "Somebody on the waiting list asks for more tickets than that"


class EventHasBookings(Conflict):
    message = "The event has bookings"


class Joins(StrEnum):
    """When a booking that does not fit is put into the queue; else it is refused."""

    ALWAYS = "always"
    NEVER = "never"
    # Or when somebody waits already: document 003.
    WHEN_SOLD_OUT = "when-sold-out"


@dataclass(frozen=True)
class Guest:
    """Somebody who books without an account."""

    first_name: str
    last_name: str
    email: str


def book(
    *,
    event_id: int,
    quantity: int,
    by: User | None,
    at: datetime,
    user: User | None = None,
    guest: Guest | None = None,
    joins: Joins = Joins.ALWAYS,
    origin: Origin = Origin.API,
    key: Key | None = None,
) -> Booking:
    """Book seats for `user` (else `by`), or for a guest: confirmed if they fit and nobody waits, else in the queue.

    The booking tells by `ahead` how many wait in front of it. One statement, and by itself one transaction. Under a
    `key` that came before nothing is booked: the booking `is_repeated`, and shows what was told the first time.

    :raises EventNotFound: or one that `by` does not see.
    :raises EventCancelled, EventNotPublished, BookingsClosed:
    :raises MoreThanForSale, TooManyAtOnce: more than could ever be had, or than one booking may have.
    :raises AlreadyBooked, AlreadyWaiting: a user's second live booking. Guests are not so limited.
    :raises NotEnoughLeft: it does not fit and, as `joins` says, does not wait.
    :raises KeyReused: the key came with another wish.
    :raises StillRunning: the first request with the key is not done yet.
    """
    holder = None if guest else (user or by)
    guest = guest or Guest("", "", "")
    fields: dict[str, Any] = {
        "event_id": event_id,
        "user_id": holder and holder.pk,
        "guest_first_name": guest.first_name,
        "guest_last_name": guest.last_name,
        "guest_email": guest.email,
        "quantity": quantity,
        "origin": origin,
    }
    if quantity > MAX_CAPACITY or event_id > sql.MAX_ID:
        # No event has so many, or such a number, and PostgreSQL would call it a fault.
        _explain(event_id=event_id, quantity=quantity, by=by, holder=holder, joins=joins, at=at)
    for _ in range(TRIES):
        booked = _book(key, at=at, **fields, joins=joins)
        if booked:
            ahead, is_repeated = booked.pop("ahead"), booked.pop("is_repeated")
            booking = Booking(**fields, **booked, cancelled=0)
            booking.ahead, booking.is_repeated = ahead, is_repeated
            return booking
        _explain(event_id=event_id, quantity=quantity, by=by, holder=holder, joins=joins, at=at)
    raise Busy


def _book(key: Key | None, *, at: datetime, **parameters: Any) -> dict[str, Any] | None:
    """What the database says of the booking, None where it made none."""
    if key is None:
        found = sql.rows("events/book", at=at, **parameters)
        return {**found[0], "created_at": at, "is_repeated": False} if found else None
    with claiming():
        found = sql.rows("events/book_once", at=at, **parameters, **key.parameters(at), body_digest=key.body_digest)
    if not found:
        return None
    key.check(found[0].pop("first_body_digest"))
    return found[0]


def _explain(*, event_id: int, quantity: int, by: User | None, holder: User | None, joins: Joins, at: datetime) -> None:
    """Raise what stands in the way of a booking; return when nothing does any more."""
    event = find(event_id=event_id, by=by)
    if event.status == EventStatus.CANCELLED:
        raise EventCancelled
    if event.status == EventStatus.DRAFT:
        raise EventNotPublished
    if event.is_closed(at):
        raise BookingsClosed
    if quantity > event.inventory.for_sale:
        raise MoreThanForSale(fields={"quantity": [f"{MoreThanForSale.message}."]})
    if event.max_per_booking is not None and quantity > event.max_per_booking:
        raise TooManyAtOnce(fields={"quantity": [f"{TooManyAtOnce.message}."]})
    if holder:
        live = event.bookings.live().filter(user=holder).first()
        if live:
            raise AlreadyWaiting if live.status == BookingStatus.WAITING else AlreadyBooked
    is_sold_out = event.inventory.waiting > 0 or event.inventory.available == 0
    may_wait = joins == Joins.ALWAYS or (joins == Joins.WHEN_SOLD_OUT and is_sold_out)
    fits = event.inventory.waiting == 0 and event.inventory.available >= quantity
    if not (fits or may_wait):
        raise NotEnoughLeft


def find(*, event_id: int, by: User | None) -> Event:
    """Return an event with its inventory.

    :raises EventNotFound: or one that `by` does not see.
    """
    event = Event.objects.visible_to(by).with_inventory().filter(pk=event_id).first()
    if event is None:
        raise EventNotFound
    return event


def find_booking(*, booking_id: int, by: User | None, is_proven: bool = False) -> Booking:
    """Return a booking, which tells by `ahead` how many wait in front of it.

    `is_proven`: the caller has shown that it is theirs.

    :raises BookingNotFound: or one that `by` does not see.
    """
    return _find(Booking.objects.with_position(), booking_id, by=by, is_proven=is_proven)


def _find(bookings: BookingQuerySet, booking_id: int, *, by: User | None, is_proven: bool) -> Booking:
    if not is_proven:
        bookings = bookings.visible_to(by) if by else bookings.none()
    booking = bookings.filter(pk=booking_id).first()
    if booking is None:
        raise BookingNotFound
    return booking


@transaction.atomic
def cancel(*, booking_id: int, by: User | None, seats: int | None = None, is_proven: bool = False) -> Booking:
    """Give up so many seats of a booking, all that are left by default, be they held or wished for.

    Who stands in the queue has the freed ones before this returns. `is_proven`: the caller has shown that it is theirs.

    :raises BookingNotFound: or somebody else's; admins cancel anybody's.
    :raises AlreadyCancelled:
    :raises MoreThanBooked:
    """
    found = _find(Booking.objects.all(), booking_id, by=by, is_proven=is_proven)
    Inventory.objects.locked().get(pk=found.event_id)
    booking = Booking.objects.select_for_update(no_key=True).get(pk=booking_id)
    if booking.status == BookingStatus.CANCELLED:
        raise AlreadyCancelled
    seats = booking.left if seats is None else seats
    if seats > booking.left:
        raise MoreThanBooked
    booking.cancelled += seats
    if not booking.left:
        booking.status = BookingStatus.CANCELLED
    booking.save(update_fields=["cancelled", "status"])
    return Booking.objects.with_position().get(pk=booking_id)


@transaction.atomic
def create(*, by: User, at: datetime, capacity: int, withheld: int = 0, **fields: Any) -> Event:
    """Create an event, published unless `fields` say otherwise.

    `fields` are any of name, description, venue, starts_at, bookings_close_at, price, max_per_booking, status and
    origin.

    :raises Invalid: more seats are withheld than there are.
    """
    _check_withheld(withheld, capacity)
    event = Event.objects.create(created_by=by, created_at=at, updated_at=at, **fields)
    event.inventory = Inventory.objects.create(event=event, capacity=capacity, withheld=withheld)
    return event


def _check_withheld(withheld: int, capacity: int) -> None:
    if withheld > capacity:
        raise Invalid(fields={"withheld": [TOO_MUCH_WITHHELD]})


@transaction.atomic
def update(*, event_id: int, by: User, at: datetime, **changes: Any) -> Event:
    """Change an event. More seats for sale go to the queue first, before this returns.

    `changes` are any of capacity, withheld, and the fields of `create` but for origin; a status is draft or published.
    What is booked keeps its price.

    :raises EventNotFound:
    :raises EventCancelled:
    :raises EventHasBookings: it cannot be a draft again.
    :raises Invalid: more seats are withheld than there are.
    :raises CapacityBelowSold, CapacityBelowWaiting: fewer for sale than are sold, or than somebody waits for.
    """
    event = _lock(event_id, by=by)
    if event.status == EventStatus.CANCELLED:
        raise EventCancelled
    if changes.get("status") == EventStatus.DRAFT and event.bookings.live().exists():
        raise EventHasBookings
    seats = {name: changes.pop(name) for name in SEATS if name in changes}
    for_sale = event.inventory.for_sale
    has_changed = [_set(event.inventory, seats), _set(event, changes)]
    if event.inventory.for_sale != for_sale:
        _check_seats(event)
    if any(has_changed):
        event.updated_at = at
        event.save(update_fields=[*changes, "updated_at"])
        event.inventory.save(update_fields=list(seats))
        event.inventory.refresh_from_db()
    return event


def _lock(event_id: int, *, by: User) -> Event:
    """Hold an event's inventory, then read both."""
    Inventory.objects.locked().filter(pk=event_id).first()
    return find(event_id=event_id, by=by)


def _set(row: models.Model, changes: dict[str, Any]) -> bool:
    """Whether any of it was a change."""
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)


def _check_seats(event: Event) -> None:
    _check_withheld(event.inventory.withheld, event.inventory.capacity)
    if event.inventory.for_sale < event.inventory.confirmed:
        raise CapacityBelowSold
    wishes = event.bookings.queue().aggregate(most=Max(F("quantity") - F("cancelled")))
    if event.inventory.for_sale < (wishes["most"] or 0):
        raise CapacityBelowWaiting


@transaction.atomic
def cancel_event(*, event_id: int, by: User, at: datetime) -> Event:
    """Cancel an event for good and with it, in the same transaction, every booking of it; each is told once.

    :raises EventNotFound:
    :raises EventCancelled:
    """
    event = _lock(event_id, by=by)
    if event.status == EventStatus.CANCELLED:
        raise EventCancelled
    event.status = EventStatus.CANCELLED
    event.updated_at = at
    event.save(update_fields=["status", "updated_at"])
    event.inventory.refresh_from_db()
    return event


@transaction.atomic
def withdraw(*, event_id: int, by: User, at: datetime) -> None:
    """Cancel an event and take it out of everybody's sight. Its rows stay for the books (document 003's deletion).

    :raises EventNotFound:
    """
    event = _lock(event_id, by=by)
    event.status = EventStatus.CANCELLED
    event.updated_at = event.deleted_at = at
    event.save(update_fields=["status", "updated_at", "deleted_at"])


def delete(*, event_id: int, by: User) -> None:
    """Delete an event that nobody ever booked.

    :raises EventNotFound:
    :raises EventHasBookings: cancelled ones count.
    """
    try:
        with transaction.atomic():
            _lock(event_id, by=by).delete()
    except ProtectedError as error:
        raise EventHasBookings from error
