"""Reads, bookings and mail stay cheap: their CPU time is pinned relative to that of a health check.

Not an absolute time, because machines differ. The bounds are one and a half times what was measured.
"""

import time
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from events.tests.factories import GUEST, book, make_event, make_guest
from notifications import mails, services
from notifications.models import Delivery
from tickets.tests.factories import make_ticket

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ROUNDS = 15
REQUESTS = 10


def get(client: APIClient, path: str) -> Callable[[], None]:
    def request() -> None:
        assert client.get(path).status_code == 200

    return request


def cpu_seconds(call: Callable[[], object]) -> float:
    started_at = time.thread_time()
    for _ in range(REQUESTS):
        call()
    return time.thread_time() - started_at


def times_a_health_check(call: Callable[[], object]) -> float:
    """Return how much longer the call takes. The fastest round of many is the least disturbed one."""
    health = get(APIClient(), "/healthz")
    # The first ones import and plan.
    cpu_seconds(call)
    cpu_seconds(health)
    rounds = [(cpu_seconds(call), cpu_seconds(health)) for _ in range(ROUNDS)]
    return min(spent for spent, _ in rounds) / min(check for _, check in rounds)


class TestReads:
    @pytest.fixture
    def client(self, owner: User, admin: User, signed_in: Callable[[User], APIClient]) -> APIClient:
        for _ in range(20):
            make_ticket(owner)
            make_event(admin)
        return signed_in(owner)

    def test_of_one_ticket(self, client: APIClient) -> None:
        (first, *_) = client.get("/tickets").json()["items"]

        assert times_a_health_check(get(client, f"/tickets/{first['id']}")) < 4

    def test_of_tickets(self, client: APIClient) -> None:
        assert len(client.get("/tickets").json()["items"]) == 20

        assert times_a_health_check(get(client, "/tickets")) < 7

    def test_of_events(self, client: APIClient) -> None:
        assert len(client.get("/events").json()["items"]) == 20

        assert times_a_health_check(get(client, "/events")) < 5


class TestBookings:
    def test_of_guests(self, anonymous: APIClient, admin: User) -> None:
        path = f"/events/{make_event(admin, capacity=1_000).pk}/bookings"

        def request() -> None:
            guest = make_guest()
            body = {"firstName": guest.first_name, "lastName": guest.last_name, "email": guest.email}
            assert anonymous.post(path, {"quantity": 1, "guest": body}).status_code == 201

        assert times_a_health_check(request) < 4


class TestMail:
    def test_about_a_booking(self, admin: User) -> None:
        book(make_event(admin), guest=GUEST)
        services.announce_bookings()
        delivery = Delivery.objects.select_related("user", "booking__event").get()

        def compose() -> None:
            mails.compose(delivery).as_bytes()

        assert times_a_health_check(compose) < 0.9
