"""Who gets which seats."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import Booking, BookingStatus, Event
from events.tests.factories import GUEST, Joins, book, make_event
from notifications.models import Delivery, Kind


def state(*bookings: Booking) -> list[tuple[str, int]]:
    """What became of them: status and seats left, in their order."""
    for booking in bookings:
        booking.refresh_from_db()
    return [(booking.status, booking.left) for booking in bookings]


def seats(event: Event) -> tuple[int, int, int]:
    """Available, sold, waiting bookings."""
    event.inventory.refresh_from_db()
    return event.inventory.available, event.inventory.confirmed, event.inventory.waiting


def told(booking: Booking) -> list[str]:
    return list(booking.deliveries.order_by("id").values_list("kind", flat=True))


CONFIRMED, WAITING, CANCELLED = BookingStatus.CONFIRMED, BookingStatus.WAITING, BookingStatus.CANCELLED


class TestBook:
    def test_confirms_what_fits(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=10, withheld=2)

        booking = book(event, owner, quantity=8)

        assert state(booking) == [(CONFIRMED, 8)]
        assert seats(event) == (0, 8, 0)
        assert (booking.unit_price, booking.user, booking.ahead) == (25, owner, None)
        entry = booking.entries.get()
        assert (entry.kind, entry.quantity, entry.seats, entry.waiting, entry.amount) == ("confirmed", 8, 8, 0, 200)
        assert told(booking) == [Kind.BOOKING_CONFIRMED]

    def test_lets_the_rest_wait_in_line(self, admin: User) -> None:
        event = make_event(admin, capacity=3)

        first, large, small = book(event, quantity=2), book(event, quantity=2), book(event, quantity=1)

        assert state(first, large, small) == [(CONFIRMED, 2), (WAITING, 2), (WAITING, 1)]
        assert (large.ahead, small.ahead) == (0, 1)
        assert seats(event) == (1, 2, 2)
        assert [delivery.payload["place"] for delivery in Delivery.objects.filter(kind=Kind.BOOKING_WAITING)] == [1, 2]

    @pytest.mark.parametrize("quantity", [11, 2**31, 2**63, 10**30])
    @pytest.mark.parametrize("joins", list(Joins))
    def test_refuses_more_than_there_are(self, admin: User, joins: Joins, quantity: int) -> None:
        event = make_event(admin, capacity=10, max_per_booking=None)

        with pytest.raises(services.MoreThanForSale):
            book(event, quantity=quantity, joins=joins)


class TestCancel:
    def test_promotes_from_the_head_what_fits(self, admin: User) -> None:
        event = make_event(admin, capacity=4)
        first = book(event, quantity=4)
        second, third, fourth = (book(event, quantity=quantity) for quantity in (1, 3, 1))

        services.cancel(booking_id=first.pk, by=admin, seats=3)

        assert state(first, second, third, fourth) == [(CONFIRMED, 1), (CONFIRMED, 1), (WAITING, 3), (WAITING, 1)]
        assert seats(event) == (2, 2, 2)
        assert told(second) == [Kind.BOOKING_WAITING, Kind.BOOKING_PROMOTED]
        assert list(second.entries.values_list("kind", "seats", "waiting", "amount")) == [
            ("requested", 0, 1, 0),
            ("promoted", 1, -1, 25),
        ]

    def test_promotes_when_who_stands_in_front_leaves(self, admin: User) -> None:
        event = make_event(admin, capacity=2)
        first, large, small = book(event, quantity=1), book(event, quantity=2), book(event, quantity=1)

        services.cancel(booking_id=large.pk, by=large.user)

        assert state(first, large, small) == [(CONFIRMED, 1), (CANCELLED, 0), (CONFIRMED, 1)]

    def test_promotes_who_now_asks_for_less(self, admin: User) -> None:
        event = make_event(admin, capacity=2)
        first, large = book(event, quantity=1), book(event, quantity=2)

        services.cancel(booking_id=large.pk, by=large.user, seats=1)

        assert state(first, large) == [(CONFIRMED, 1), (CONFIRMED, 1)]
        assert list(large.entries.values_list("kind", "quantity", "seats", "waiting")) == [
            ("requested", 2, 0, 1),
            ("cancelled", 1, 0, 0),
            ("promoted", 1, 1, -1),
        ]


class TestUpdate:
    def test_gives_more_seats_to_the_queue(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        first, second, third = book(event), book(event), book(event)

        services.update(event_id=event.pk, by=admin, at=timezone.now(), capacity=2)

        assert state(first, second, third) == [(CONFIRMED, 1), (CONFIRMED, 1), (WAITING, 1)]

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"capacity": 2}, services.CapacityBelowSold),
            ({"capacity": 3}, services.CapacityBelowWaiting),
            ({"withheld": 2}, services.CapacityBelowSold),
        ],
    )
    def test_refuses_fewer_than_are_needed(
        self, admin: User, changes: dict[str, Any], refusal: type[Exception]
    ) -> None:
        event = make_event(admin, capacity=4)
        book(event, quantity=3)
        book(event, quantity=4)

        with pytest.raises(refusal):
            services.update(event_id=event.pk, by=admin, at=timezone.now(), **changes)


class TestCancelEvent:
    def test_cancels_every_booking_and_tells_each_once(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        first, second = book(event), book(event, guest=GUEST)

        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        assert state(first, second) == [(CANCELLED, 0), (CANCELLED, 0)]
        assert seats(event) == (1, 0, 0)
        assert told(first) == [Kind.BOOKING_CONFIRMED, Kind.EVENT_CANCELLED]
        assert told(second) == [Kind.BOOKING_WAITING, Kind.EVENT_CANCELLED]
        with pytest.raises(services.EventCancelled):
            book(event, make_user())


class TestDelete:
    def test_refuses_an_event_that_was_booked(self, admin: User) -> None:
        event = make_event(admin)
        booking = book(event)
        services.cancel(booking_id=booking.pk, by=admin)

        with pytest.raises(services.EventHasBookings):
            services.delete(event_id=event.pk, by=admin)

    def test_leaves_nothing_of_one_that_was_not(self, admin: User) -> None:
        event = make_event(admin)

        services.delete(event_id=event.pk, by=admin)

        assert not Event.objects.exists()
