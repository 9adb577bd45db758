"""Use cases that book and cancel, and the errors that they share with those that change events."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ParamSpec

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.db.models import DEFERRED, Max
from django.utils import timezone

from accounts.models import User
from events.models import (
    MAX_CAPACITY,
    Booking,
    BookingQuerySet,
    BookingStatus,
    CheckIn,
    Event,
    EventQuerySet,
    Inventory,
    Origin,
)
from kit.db import sql
from kit.errors import Busy, Conflict, Faults, Forbidden, Invalid, Missing, Refused
from kit.idempotency.keys import Key, claiming
from kit.text import counted
from kit.versions import Expected


class EventNotFound(Missing):
    message = "Event not found"


class EventCancelled(Conflict):
    message = "This event has been cancelled"


class EventNotPublished(Conflict):
    message = "This event is not published yet"


class BookingsClosed(Conflict):
    message = "Bookings for this event have closed"


class MoreThanCapacity(Invalid):
    def __init__(self, capacity: int) -> None:
        message = f"This event has only {counted(capacity, 'ticket')}"
        super().__init__(message, fields={"quantity": [f"{message}."]})


class TooManyAtOnce(Invalid):
    def __init__(self, max_per_booking: int) -> None:
        message = f"A booking can have at most {counted(max_per_booking, 'ticket')}"
        super().__init__(message, fields={"quantity": [f"{message}."]})


class AlreadyBooked(Conflict):
    message = "This user already has a booking for this event"


class AlreadyWaiting(AlreadyBooked):
    message = "This user is already on the waiting list for this event"


class TooManyGuestBookings(Conflict):
    def __init__(self, most: int) -> None:
        super().__init__(f"This e-mail address has reached the limit of {counted(most, 'booking')} for this event")


class UserDeactivated(Conflict):
    message = "This user is deactivated"


class NotEnoughLeft(Conflict):
    def __init__(self, available: int, *, waiting: int = 0) -> None:
        if waiting:
            message = f"{waiting:,} booking{' is' if waiting == 1 else 's are'} ahead on the waiting list"
        elif available:
            message = f"Only {counted(available, 'ticket')} {'is' if available == 1 else 'are'} left"
        else:
            message = "This event is sold out"
        super().__init__(message)


class BookingNotFound(Missing):
    message = "Booking not found"


class EventStarted(Conflict):
    message = "The event has already started"


class NotWaiting(Conflict):
    message = "This booking is not on the waiting list"


class AlreadyCancelled(Conflict):
    message = "This booking has already been cancelled"


class MoreThanBooked(Conflict):
    def __init__(self, left: int) -> None:
        super().__init__(f"This booking has only {counted(left, 'ticket')} left")


class TicketsCheckedIn(Conflict):
    """Only staff can cancel seats that are checked in. Cancelling begins with the highest number."""

    def __init__(self, free: int) -> None:
        super().__init__(
            f"Only {counted(free, 'ticket')} can be cancelled: the next one is checked in"
            if free
            else "Tickets that are checked in cannot be cancelled"
        )


class Joins(StrEnum):
    """When a booking that cannot be confirmed joins the waiting list. Otherwise it is refused."""

    ALWAYS = "always"
    NEVER = "never"
    # Or if others are already waiting (document 003).
    WHEN_SOLD_OUT = "when-sold-out"


Terms = ParamSpec("Terms")

# Of a booking's row, in their order.
COLUMNS = [field.attname for field in Booking._meta.concrete_fields]


@dataclass(frozen=True)
class Guest:
    """A person who books without an account."""

    first_name: str
    last_name: str
    email: str


def book_as_row(
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
) -> dict[str, Any]:
    """Book seats for `user` (by default `by`) or a guest, or put them on the waiting list.

    Returns the booking's columns, the number of bookings `ahead`, and `is_repeated`: a retry with the same `key` books
    nothing and returns the first booking as it was then. Runs as one statement, in a transaction of its own unless the
    caller has begun one. The rules are in sql/functions/booking_refusal.sql.

    :raises EventNotFound: there is no such event, or `by` may not see it.
    :raises EventCancelled, EventNotPublished, BookingsClosed: the event does not take bookings.
    :raises MoreThanCapacity, TooManyAtOnce: more seats than the event has, or than one booking can have.
    :raises AlreadyBooked, AlreadyWaiting: the user has a live booking. Guests can have several.
    :raises TooManyGuestBookings: the guest's address has MAX_GUEST_BOOKINGS live bookings.
    :raises UserDeactivated: the user would have to wait, but is deactivated.
    :raises NotEnoughLeft: the seats do not fit, and `joins` keeps the booking off the waiting list.
    :raises KeyReused: the key was used for a different request.
    :raises StillRunning: the first request with the key has not finished.
    """
    # Too large for PostgreSQL's integers, so the query would fail instead of finding no event.
    if abs(event_id) > sql.MAX_ID:
        raise EventNotFound
    fields: dict[str, Any] = {
        "event_id": event_id,
        **_holder(user or by, guest),
        # No event has more seats, and the parameter is a 32-bit integer.
        "quantity": min(quantity, MAX_CAPACITY + 1),
        "origin": origin,
    }
    row = _book(key, at=at, is_admin=by is not None and by.is_admin, joins=joins, **fields)
    return fields | row | {"cancelled": 0, "version": 1}


def _as_model(function: Callable[Terms, dict[str, Any]]) -> Callable[Terms, Booking]:
    def book(*args: Terms.args, **terms: Terms.kwargs) -> Booking:
        """Book as `book_as_row` does, and return a Booking that has `ahead` and `is_repeated`."""
        row = function(*args, **terms)
        # As for a row of a query, which takes half as long as making a new Booking.
        booking = Booking.from_db(DEFAULT_DB_ALIAS, COLUMNS, [row.get(name, DEFERRED) for name in COLUMNS])
        booking.ahead, booking.is_repeated = row["ahead"], row["is_repeated"]
        return booking

    return book


# The API does not need the model, which takes a tenth of its request.
book = _as_model(book_as_row)


def booking_faults(*, event_id: int, by: User | None, at: datetime, quantity: int = 1, **_: Any) -> Faults:
    """Return the errors in these values that `book` would raise."""
    wanted = {"event_id": min(event_id, sql.MAX_ID), "quantity": min(quantity, MAX_CAPACITY + 1)}
    rows = sql.rows("events/booking_refusal", **wanted, at=at, is_admin=by is not None and by.is_admin)
    return next((_refusal(**row).fields for row in rows if row["code"]), {})


def _holder(user: User | None, guest: Guest | None) -> dict[str, Any]:
    guest, user = guest or Guest("", "", ""), None if guest else user
    return {
        "user_id": user and user.pk,
        "guest_first_name": guest.first_name,
        "guest_last_name": guest.last_name,
        "guest_email": guest.email,
    }


def _book(key: Key | None, *, at: datetime, **parameters: Any) -> dict[str, Any]:
    """Return the columns of the new booking, `ahead` and `is_repeated`, or raise the refusal."""
    parameters |= {"max_guest_bookings": settings.MAX_GUEST_BOOKINGS, "context": sql.context()}
    try:
        if key is None:
            (row,) = sql.prepared("events/book", at=at, **parameters)
            row |= {"created_at": at, "is_repeated": False}
        else:
            claim = key.parameters(at) | {"body_digest": key.body_digest}
            with claiming():
                (row,) = sql.prepared("events/book_once", at=at, **parameters, **claim)
    except IntegrityError as error:
        if sql.violated(error) == "booking_waits_for_active_user":
            raise UserDeactivated from error
        raise
    numbers = {name: row.pop(name) for name in ("capacity", "max_per_booking", "available", "waiting")}
    refusal = row.pop("refusal")
    if refusal is not None:
        raise _refusal(refusal, **numbers)
    if key is not None:
        key.check(row.pop("first_body_digest"))
    return row


def _refusal(code: str, *, capacity: int, max_per_booking: int, available: int, waiting: int) -> Refused:
    """Return the error for a code of sql/functions/booking_refusal.sql."""
    match code:
        case MoreThanCapacity.code:
            return MoreThanCapacity(capacity)
        case TooManyGuestBookings.code:
            return TooManyGuestBookings(settings.MAX_GUEST_BOOKINGS)
        case TooManyAtOnce.code:
            return TooManyAtOnce(max_per_booking)
        case NotEnoughLeft.code:
            return NotEnoughLeft(available, waiting=waiting)
    return REFUSALS[code]()


REFUSALS: dict[str, type[Refused]] = {
    refusal.code: refusal
    for refusal in (
        EventNotFound,
        EventCancelled,
        EventNotPublished,
        BookingsClosed,
        AlreadyBooked,
        AlreadyWaiting,
        Busy,
    )
}


def find(*, event_id: int, by: User | None, among: EventQuerySet | None = None) -> Event:
    """Return an event with its inventory, from the query `among` if given.

    :raises EventNotFound: there is no such event, or `by` may not see it.
    """
    events = Event.objects.all() if among is None else among
    event = events.visible_to(by).with_inventory().filter(pk=event_id).first()
    if event is None:
        raise EventNotFound
    return event


def _find(bookings: BookingQuerySet, booking_id: int, *, by: User | None, is_proven: bool) -> Booking:
    if not is_proven:
        bookings = bookings.visible_to(by) if by else bookings.none()
    booking = bookings.filter(pk=booking_id).first()
    if booking is None:
        raise BookingNotFound
    return booking


@transaction.atomic
def cancel(
    *,
    booking_id: int,
    by: User | None,
    seats: int | None = None,
    is_proven: bool = False,
    for_holder: bool = False,
    expected: Expected | None = None,
) -> None:
    """Cancel some `seats` of a booking, by default all, whether it is confirmed or waiting.

    Freed seats are given to the waiting list before this returns. `is_proven` as in `queries.booking`. `for_holder`:
    `by` is staff and cancels anybody's booking at the holder's request, as in the admin.

    :raises Forbidden: `for_holder`, and `by` is not staff.
    :raises BookingNotFound: there is no such booking, or `by` may not see it.
    :raises VersionConflict, PreconditionFailed: the booking has another version than `expected`.
    :raises EventStarted: the event has started, and `by` is not an admin.
    :raises AlreadyCancelled: nothing is left of it.
    :raises MoreThanBooked: fewer seats are left.
    :raises TicketsCheckedIn: one of the seats is checked in, and `by` is not staff.
    """
    if for_holder and not (by and by.is_staff):
        raise Forbidden
    found = _find(Booking.objects.all(), booking_id, by=by, is_proven=is_proven or for_holder)
    Inventory.objects.locked().get(pk=found.event_id)
    locked = Booking.objects.select_for_update(no_key=True, of=("self",))
    booking = locked.select_related("event").get(pk=booking_id)
    booking.check_version(expected)
    if booking.status == BookingStatus.CANCELLED:
        raise AlreadyCancelled
    if booking.event.has_started(timezone.now()) and not (by and by.is_admin):
        raise EventStarted
    seats = booking.left if seats is None else seats
    if seats > booking.left:
        raise MoreThanBooked(booking.left)
    if not (by and by.is_staff):
        _check_nobody_is_in(booking, seats)
    booking.cancelled += seats
    if not booking.left:
        booking.status = BookingStatus.CANCELLED
    booking.save(update_fields=["cancelled", "status"])


def _check_nobody_is_in(booking: Booking, seats: int) -> None:
    check_ins = CheckIn.objects.valid().filter(event=booking.event_id, booking=booking)
    last = check_ins.aggregate(last=Max("seat"))["last"] or 0
    if last > booking.left - seats:
        raise TicketsCheckedIn(booking.left - last)


@transaction.atomic
def promote(*, booking_id: int, by: User) -> Booking:
    """Confirm a waiting booking by hand, even if others are ahead of it or bookings have closed.

    :raises Forbidden: `by` is not an admin.
    :raises BookingNotFound: there is no such booking.
    :raises NotWaiting: it is confirmed or cancelled.
    :raises NotEnoughLeft: it asks for more seats than are left.
    """
    if not by.is_admin:
        raise Forbidden
    found = _find(Booking.objects.all(), booking_id, by=by, is_proven=False)
    inventory = Inventory.objects.locked().get(pk=found.event_id)
    booking = Booking.objects.select_for_update(no_key=True).get(pk=booking_id)
    if booking.status != BookingStatus.WAITING:
        raise NotWaiting
    if booking.left > inventory.available:
        raise NotEnoughLeft(inventory.available)
    sql.row("events/promote_by_hand", booking_id=booking_id, context=sql.context())
    return Booking.objects.with_position().get(pk=booking_id)
