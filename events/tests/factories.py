"""Factories for events and bookings."""

from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import Booking, Event
from events.services import Guest, Joins

GUEST = Guest("Greta", "Guest", "greta@example.com")
_numbers = count(1)


def make_event(by: User, *, capacity: int = 10, withheld: int = 0, **fields: Any) -> Event:
    """Create an event a month from now, at 25.00 per seat, whose bookings never close."""
    at = timezone.now().replace(microsecond=0)
    starts_at = fields.pop("starts_at", at + timedelta(days=30))
    return services.create(
        by=by,
        at=fields.pop("created_at", at),
        capacity=capacity,
        withheld=withheld,
        **{"name": "Jazz in the park", "starts_at": starts_at, "price": 25} | fields,
    )


def make_guest() -> Guest:
    """Return a guest with an address that no other guest has."""
    return Guest("Gustav", "Guest", f"gustav.{next(_numbers)}@example.com")


def book(event: Event, user: User | None = None, *, quantity: int = 1, **more: Any) -> Booking:
    """Book for `user` (by default a new one), or for a `guest` given in `more`."""
    by = None if "guest" in more else (user or make_user())
    return services.book(event_id=event.pk, quantity=quantity, by=by, at=timezone.now(), **more)


__all__ = ["GUEST", "Guest", "Joins", "book", "make_event", "make_guest"]
