"""Positions on the waiting list, and the order of events."""

import pytest
from django.utils import timezone

from accounts.models import User
from events import queries, services
from events.models import Booking
from events.tests.factories import book, make_event

pytestmark = [pytest.mark.django_db, pytest.mark.database]


class TestBookings:
    def test_have_the_same_position_on_every_page_and_alone(self, admin: User) -> None:
        """Two waiting lists with gaps, read in pages that contain various parts of them."""
        events = [make_event(admin, capacity=1) for _ in range(2)]
        made = [book(events[number % 3 == 0]) for number in range(20)]
        for gone in (4, 9, 10, 13):
            services.cancel(booking_id=made[gone].pk, by=admin)
        alone = {
            booking.pk: services.find_booking(booking_id=booking.pk, by=admin).ahead
            for booking in Booking.objects.all()
        }

        for limit in (1, 2, 3, 7, 20):
            shown: list[Booking] = []
            while page := queries.bookings(viewer=admin, before_id=shown[-1].pk if shown else None, limit=limit):
                shown += page
            assert [(booking.pk, booking.ahead) for booking in shown] == sorted(alone.items(), reverse=True)

        for event in events:
            assert [alone[pk] for pk in event.bookings.queue().values_list("pk", flat=True)] == [
                *range(event.bookings.queue().count())
            ]

    def test_are_empty_without_bookings(self, admin: User) -> None:
        assert queries.bookings(viewer=admin, limit=10) == []


class TestEvents:
    def test_break_ties_by_id(self, admin: User) -> None:
        at = timezone.now()
        made = [make_event(admin, starts_at=at) for _ in range(3)]

        for is_descending in (False, True):
            ordering = queries.Ordering("starts_at", is_descending=is_descending)
            found = queries.events(viewer=None, filter=queries.EventFilter(), ordering=ordering, limit=9, at=at)
            assert found == (made[::-1] if is_descending else made)
