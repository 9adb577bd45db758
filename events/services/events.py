"""Use cases that create, change and cancel events."""

from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import F, Max, ProtectedError

from accounts.models import User
from events.models import Event, EventStatus, Inventory
from events.services.bookings import EventCancelled, find
from kit.errors import Conflict, Invalid
from kit.text import counted

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


@transaction.atomic
def create(*, by: User, at: datetime, capacity: int, withheld: int = 0, **fields: Any) -> Event:
    """Create an event, published unless `fields` say otherwise.

    `fields` are any of name, description, venue, starts_at, bookings_close_at, price, max_per_booking, status and
    origin.

    :raises Invalid: more seats are withheld than the capacity.
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
    """Change an event. Additional seats are given to the waiting list before this returns.

    `changes` are any of capacity, withheld and the fields of `create` except origin; the status is draft or published.
    Existing bookings keep their price.

    :raises EventNotFound: there is no such event, or `by` may not see it.
    :raises EventCancelled: a cancelled event cannot be changed.
    :raises EventHasBookings: an event with live bookings cannot become a draft.
    :raises Invalid: more seats are withheld than the capacity.
    :raises CapacityBelowSold: fewer seats would be for sale than are sold.
    :raises CapacityBelowWaiting: a waiting booking asks for more seats than there would be.
    """
    event = _lock(event_id, by=by)
    if event.status == EventStatus.CANCELLED:
        raise EventCancelled
    if changes.get("status") == EventStatus.DRAFT and event.bookings.live().exists():
        raise EventHasBookings
    seats = {name: changes.pop(name) for name in SEATS if name in changes}
    has_changed = [_set(event.inventory, seats), _set(event, changes)]
    if has_changed[0]:
        _check_seats(event)
    if any(has_changed):
        event.updated_at = at
        event.save(update_fields=[*changes, "updated_at"])
        event.inventory.save(update_fields=list(seats))
        event.inventory.refresh_from_db()
    return event


def _lock(event_id: int, *, by: User) -> Event:
    """Lock an event's inventory, then read both."""
    Inventory.objects.locked().filter(pk=event_id).first()
    return find(event_id=event_id, by=by)


def _set(row: models.Model, changes: dict[str, Any]) -> bool:
    """Set the fields, and return whether any value was different."""
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)


def _check_seats(event: Event) -> None:
    inventory = event.inventory
    _check_withheld(inventory.withheld, inventory.capacity)
    if inventory.for_sale < inventory.confirmed:
        raise CapacityBelowSold(inventory.confirmed, withheld=inventory.withheld)
    largest = event.bookings.queue().aggregate(wanted=Max(F("quantity") - F("cancelled")))["wanted"] or 0
    if inventory.capacity < largest:
        raise CapacityBelowWaiting(largest)


@transaction.atomic
def cancel_event(*, event_id: int, by: User, at: datetime) -> Event:
    """Cancel an event for good, and all its bookings in the same transaction. Every holder is notified once.

    :raises EventNotFound: there is no such event, or `by` may not see it.
    :raises EventCancelled: it is cancelled already.
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
    """Cancel an event and hide it from everyone, but keep its rows for the ledger: document 003's deletion.

    :raises EventNotFound: there is no such event, or `by` may not see it.
    """
    event = _lock(event_id, by=by)
    event.status = EventStatus.CANCELLED
    event.updated_at = event.deleted_at = at
    event.save(update_fields=["status", "updated_at", "deleted_at"])


def delete(*, event_id: int, by: User) -> None:
    """Delete an event that was never booked.

    :raises EventNotFound: there is no such event, or `by` may not see it.
    :raises EventHasBookings: it has bookings, even if all are cancelled.
    """
    try:
        with transaction.atomic():
            _lock(event_id, by=by).delete()
    except ProtectedError as error:
        raise EventHasBookings from error
