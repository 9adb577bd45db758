"""Use cases that create, change and cancel events."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import F, Max, ProtectedError

from accounts.models import User
from events.models import ENDS_TOO_EARLY, Event, EventStatus, Inventory
from events.services.bookings import EventCancelled, find
from kit.db import sql
from kit.errors import Conflict, Faults, Invalid
from kit.text import counted
from kit.versions import Expected
from kit.zones import UNKNOWN_TIME_ZONE

# Fields of an event that are stored in its inventory.
SEATS = ["capacity", "withheld"]
TOO_MUCH_WITHHELD = "Cannot be greater than the capacity."


class CapacityBelowSold(Conflict):
    def __init__(self, sold: int, *, withheld: int = 0) -> None:
        capacity = f"Capacity minus the {withheld:,} withheld" if withheld else "Capacity"
        super().__init__(f"{capacity} cannot be lower than the {counted(sold, 'ticket')} already sold")


class CapacityBelowWaiting(Conflict):
    def __init__(self, wanted: int) -> None:
        super().__init__(f"A waiting booking asks for {counted(wanted, 'ticket')}, more than the new capacity")


class EventHasBookings(Conflict):
    message = "This event has bookings"


class CurrencyIsFixed(Conflict):
    message = "The currency of an event with bookings cannot change"


@transaction.atomic
def create(*, by: User, at: datetime, capacity: int, withheld: int = 0, **fields: Any) -> Event:
    """Create an event, published unless `fields` say otherwise.

    `fields` are any of name, description, venue, time_zone, starts_at, ends_at, bookings_close_at, price, currency,
    max_per_booking, status and origin.

    :raises Invalid: more seats are withheld than the capacity, the event ends before it starts, or PostgreSQL does not
        know the time zone.
    """
    event = Event(created_by=by, created_at=at, updated_at=at, **fields)
    _check(event, Inventory(capacity=capacity, withheld=withheld))
    _save(event)
    event.inventory = Inventory.objects.create(event=event, capacity=capacity, withheld=withheld)
    return event


def faults(
    *,
    capacity: int | None = None,
    withheld: int = 0,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    **_: Any,
) -> Faults:
    """Return the errors in these values that `create` or `update` would raise."""
    found: Faults = {}
    if capacity is not None and withheld > capacity:
        found["withheld"] = [TOO_MUCH_WITHHELD]
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        found["ends_at"] = [ENDS_TOO_EARLY]
    return found


def _check(event: Event, inventory: Inventory) -> None:
    found = faults(
        capacity=inventory.capacity,
        withheld=inventory.withheld,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
    )
    if found:
        raise Invalid(fields=found)


def _save(event: Event, **options: Any) -> None:
    try:
        with transaction.atomic():
            event.save(**options)
    except IntegrityError as error:
        # PostgreSQL's list of time zones can be older than Python's.
        if sql.violated(error) == "event_time_zone":
            raise Invalid(fields={"time_zone": [UNKNOWN_TIME_ZONE]}) from error
        raise


@transaction.atomic
def update(*, event_id: int, by: User, at: datetime, expected: Expected | None = None, **changes: Any) -> None:
    """Change an event. Additional seats are given to the waiting list before this returns.

    `changes` are any of capacity, withheld and the fields of `create` except origin; the status is draft or published.
    Existing bookings keep their price. A `bookings_close_at` equal to the start moves with it, unless given here.

    :raises EventNotFound: there is no such event, or `by` may not see it.
    :raises VersionConflict, PreconditionFailed: the event has another version than `expected`.
    :raises EventCancelled: a cancelled event cannot be changed.
    :raises EventHasBookings: an event with live bookings cannot become a draft.
    :raises CurrencyIsFixed: the event has been booked.
    :raises Invalid: as in `create`.
    :raises CapacityBelowSold: fewer seats would be for sale than are sold.
    :raises CapacityBelowWaiting: a waiting booking asks for more seats than there would be.
    """
    event = _lock(event_id, by=by, expected=expected)
    if event.status == EventStatus.CANCELLED:
        raise EventCancelled
    if changes.get("status") == EventStatus.DRAFT and event.bookings.live().exists():
        raise EventHasBookings
    if changes.get("currency", event.currency) != event.currency and event.bookings.exists():
        raise CurrencyIsFixed
    seats = {name: changes.pop(name) for name in SEATS if name in changes}
    if changes.get("starts_at", event.starts_at) != event.starts_at:
        _keep_closing(event, changes)
    has_changed = [_set(event.inventory, seats), _set(event, changes)]
    _check(event, event.inventory)
    if has_changed[0]:
        _check_seats(event)
    if not any(has_changed):
        return
    event.updated_at = at
    _save(event, update_fields=[*changes, "updated_at"])
    event.inventory.save(update_fields=list(seats))


def _lock(event_id: int, *, by: User, expected: Expected | None = None) -> Event:
    """Lock an event's inventory and then the event, and check the version."""
    Inventory.objects.locked().filter(pk=event_id).first()
    locked = Event.objects.select_for_update(no_key=True, of=("self",))
    event = find(event_id=event_id, by=by, among=locked)
    event.check_version(expected)
    return event


def _set(row: models.Model, changes: dict[str, Any]) -> bool:
    """Set the fields, and return whether any value was different."""
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)


def _keep_closing(event: Event, changes: dict[str, Any]) -> None:
    """Keep the trigger from moving a closing time that the request sets to the old start.

    A trigger cannot tell a value that is set again from one that is left out. The time is moved a microsecond earlier,
    because a later one would open bookings for a moment and promote.
    """
    closes_at = changes.get("bookings_close_at")
    if closes_at is not None and event.bookings_close_at == event.starts_at == closes_at:
        Event.objects.filter(pk=event.pk).update(bookings_close_at=closes_at - timedelta(microseconds=1))


def _check_seats(event: Event) -> None:
    inventory = event.inventory
    if inventory.for_sale < inventory.confirmed:
        raise CapacityBelowSold(inventory.confirmed, withheld=inventory.withheld)
    largest = event.bookings.queue().aggregate(wanted=Max(F("quantity") - F("cancelled")))["wanted"] or 0
    if inventory.capacity < largest:
        raise CapacityBelowWaiting(largest)


@transaction.atomic
def cancel_event(*, event_id: int, by: User, at: datetime, expected: Expected | None = None) -> None:
    """Cancel an event for good, and all its bookings in the same transaction. Every holder is notified once.

    :raises EventNotFound, VersionConflict, PreconditionFailed: as for `update`.
    :raises EventCancelled: it is cancelled already.
    """
    event = _lock(event_id, by=by, expected=expected)
    if event.status == EventStatus.CANCELLED:
        raise EventCancelled
    event.status = EventStatus.CANCELLED
    event.updated_at = at
    event.save(update_fields=["status", "updated_at"])


@transaction.atomic
def withdraw(*, event_id: int, by: User, at: datetime) -> None:
    """Cancel an event and hide it from everyone, but keep its rows for the ledger: document 003's deletion.

    :raises EventNotFound: there is no such event, or `by` may not see it.
    """
    event = _lock(event_id, by=by)
    event.status = EventStatus.CANCELLED
    event.updated_at = event.deleted_at = at
    event.save(update_fields=["status", "updated_at", "deleted_at"])


def delete(*, event_id: int, by: User, expected: Expected | None = None) -> None:
    """Delete an event that was never booked.

    :raises EventNotFound, VersionConflict, PreconditionFailed: as for `update`.
    :raises EventHasBookings: it has bookings, even if all are cancelled.
    """
    try:
        with transaction.atomic():
            _lock(event_id, by=by, expected=expected).delete()
    except ProtectedError as error:
        raise EventHasBookings from error
