"""Documents 002 and 003 share events: both see the same numbers and the same waiting list."""

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import Booking, Event, Inventory
from events.tests.books import unlocked
from events.tests.factories import make_event
from kit.tests.races import at_once

SignedIn = Callable[[User], APIClient]

THREADS = 20
GUEST = {"firstName": "Greta", "lastName": "Guest", "email": "greta@example.com"}


def numbers(event_id: int) -> list[tuple[int, int, int]]:
    """Return capacity, available seats and waiting bookings: from the database, from 002 and from 003."""
    inventory = Inventory.objects.get(pk=event_id)
    status = APIClient().get(f"/status/{event_id}").json()
    ticks = APIClient().get(f"/api/v1/booking/status/{event_id}").json()["data"]
    return [
        (inventory.capacity, inventory.available, inventory.waiting),
        (status["event"]["ticketLimit"], status["ticketsAvailable"], status["waitingListCount"]),
        (inventory.capacity, ticks["availableTickets"], ticks["waitlistedCount"]),
    ]


@pytest.mark.django_db
class TestSharedEvent:
    def test_has_the_same_numbers_in_every_contract(
        self, owner: User, outsider: User, admin: User, signed_in: SignedIn, anonymous: APIClient
    ) -> None:
        body = {"name": "Concert", "date": "2024-12-01", "totalTickets": 12, "availableTickets": 10}
        event_id = signed_in(admin).post("/api/v1/event", body).json()["data"]["id"]
        assert numbers(event_id) == [(12, 10, 0)] * 3

        guests = anonymous.post("/api/v1/booking", GUEST | {"eventId": event_id, "ticketsReserved": 9}).json()["data"]
        assert numbers(event_id) == [(12, 1, 0)] * 3

        signed_in(owner).post("/book", {"eventId": event_id, "userId": owner.pk})
        assert numbers(event_id) == [(12, 0, 0)] * 3

        waiting = signed_in(outsider).post("/book", {"eventId": event_id, "userId": outsider.pk}).json()["booking"]
        anonymous.post("/api/v1/booking", GUEST | {"eventId": event_id, "ticketsReserved": 5})
        assert waiting["status"] == "PENDING"
        assert numbers(event_id) == [(12, 0, 2)] * 3

        signed_in(owner).post("/cancel", {"eventId": event_id})
        assert numbers(event_id) == [(12, 0, 1)] * 3

        anonymous.delete(f"/api/v1/booking/{guests['id']}", {"ticketsToCancel": 9})
        assert numbers(event_id) == [(12, 4, 0)] * 3

        response = signed_in(outsider).delete(f"/api/v1/booking/{waiting['id']}", {"ticketsToCancel": 1})
        assert response.status_code == 200
        assert numbers(event_id) == [(12, 5, 0)] * 3

    def test_created_by_002_can_be_booked_by_003(self, owner: User, signed_in: SignedIn, anonymous: APIClient) -> None:
        body = {"name": "Party", "description": "All", "date": "2021-12-31", "location": "Colombo", "price": 9.5}
        created = signed_in(owner).post("/initialize", body | {"ticketLimit": 5}).json()["event"]

        response = anonymous.post("/api/v1/booking", GUEST | {"eventId": created["id"], "ticketsReserved": 4})

        booking = Booking.objects.get(pk=response.json()["data"]["id"])
        assert (response.status_code, float(booking.unit_price)) == (201, 9.5)
        assert numbers(created["id"]) == [(5, 1, 0)] * 3

    def test_can_be_booked_once_per_user_across_contracts(self, owner: User, admin: User, signed_in: SignedIn) -> None:
        event, api = make_event(admin), signed_in(owner)
        api.post("/api/v1/booking", {"eventId": event.pk, "ticketsReserved": 2})

        response = api.post("/book", {"eventId": event.pk, "userId": owner.pk})

        assert (response.status_code, response.json()) == (400, {"error": "User already has a booking"})


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestTwentySimultaneousBookings:
    @pytest.fixture
    def event(self, admin: User) -> Event:
        return make_event(admin, capacity=1)

    @staticmethod
    def calls(event: Event, signed_in: SignedIn) -> list[Callable[[], Any]]:
        """Return ten bookings by 002, and five by users and five by guests by 003."""

        def book_by_002(user: User) -> Callable[[], Any]:
            api, body = signed_in(user), {"eventId": event.pk, "userId": user.pk}
            return lambda: api.post("/book", body).json()["booking"]["id"]

        def book_by_003(api: APIClient, guest: dict[str, str]) -> Callable[[], Any]:
            body = guest | {"eventId": event.pk, "ticketsReserved": 1}
            return lambda: api.post("/api/v1/booking", body).json()["data"]["id"]

        users = [make_user() for _ in range(THREADS - 5)]
        return [
            *(book_by_002(user) for user in users[:10]),
            *(book_by_003(signed_in(user), {}) for user in users[10:]),
            *(book_by_003(APIClient(), GUEST) for _ in range(5)),
        ]

    def test_share_one_seat_and_one_queue(self, event: Event, signed_in: SignedIn) -> None:
        created = at_once(*self.calls(event, signed_in))

        bookings = Booking.objects.filter(event=event).order_by("id")
        assert sorted(created) == [booking.pk for booking in bookings]
        assert Counter(booking.status for booking in bookings) == {"confirmed": 1, "waiting": THREADS - 1}
        queue = list(Booking.objects.filter(event=event).queue().with_position())
        assert [(booking.queue_number, booking.ahead) for booking in queue] == [
            (number + 1, number) for number in range(THREADS - 1)
        ]
        assert numbers(event.pk) == [(1, 0, THREADS - 1)] * 3

        # Each cancellation promotes the next booking in the queue.
        holder = Booking.objects.get(event=event, status="confirmed")
        for head in itertools.islice(queue, 3):
            services.cancel(booking_id=holder.pk, by=None, is_proven=True)
            holder = Booking.objects.get(event=event, status="confirmed")
            assert holder == head

    def test_fail_without_the_lock_but_never_oversell(self, event: Event, signed_in: SignedIn) -> None:
        """Without the lock, `inventory_seats_fit` still prevents overselling, but as an unexpected error."""
        calls = self.calls(event, signed_in)

        def result_of(call: Callable[[], Any]) -> Callable[[], Any]:
            def book() -> Any:
                try:
                    return call()
                except Exception as error:
                    return type(error)

            return book

        with unlocked("events_book"):
            results = at_once(*(result_of(call) for call in calls))

        assert not all(isinstance(result, int) for result in results)
        assert Booking.objects.filter(event=event, status="confirmed").count() == 1


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestLockedEvent:
    def test_gets_503_in_the_shape_of_each_contract(self, owner: User, admin: User, signed_in: SignedIn) -> None:
        event = make_event(admin)
        api = signed_in(owner)
        calls: list[Callable[[], Any]] = [
            lambda: api.post("/book", {"eventId": event.pk, "userId": owner.pk}),
            lambda: api.post("/api/v1/booking", {"eventId": event.pk, "ticketsReserved": 1}),
            lambda: signed_in(admin).delete(f"/api/v1/event/{event.pk}"),
        ]

        with transaction.atomic():
            Inventory.objects.locked().get(pk=event.pk)
            responses = at_once(*calls)

        busy = {"message": "The server is busy, please try again.", "error": True}
        assert [(response.status_code, response.json()) for response in responses] == [
            (503, {"error": "An unknown error occurred"}),
            (503, busy),
            (503, busy),
        ]
        assert {response["Retry-After"] for response in responses} == {"1"}
