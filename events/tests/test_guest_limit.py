"""How many live bookings a guest's e-mail address can have for an event."""

from dataclasses import replace
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from events import services
from events.models import Event
from events.tests.factories import GUEST, Joins, book, make_event
from kit.idempotency.keys import Key
from projects.tests.psql import psql

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BODY = {"guest": {"firstName": "Greta", "lastName": "Guest", "email": "Greta@Example.com"}}


@pytest.fixture(autouse=True)
def limit(settings: Any) -> None:
    settings.MAX_GUEST_BOOKINGS = 2


@pytest.fixture
def full(event: Event) -> Event:
    """An event for which GUEST has all bookings that one address can have."""
    for _ in range(2):
        book(event, guest=GUEST)
    return event


class TestGuestLimit:
    @pytest.mark.parametrize("email", [GUEST.email, GUEST.email.upper()])
    @pytest.mark.parametrize("joins", list(Joins))
    @pytest.mark.parametrize("key", [None, Key(bytes(32), b"body")])
    def test_refuses_one_more(self, full: Event, email: str, joins: Joins, key: Key | None) -> None:
        with pytest.raises(services.TooManyGuestBookings) as refusal:
            book(full, guest=replace(GUEST, email=email), joins=joins, key=key)

        assert refusal.value.message == "This e-mail address has reached the limit of 2 bookings for this event"
        assert full.bookings.count() == 2

    def test_counts_waiting_bookings(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        for _ in range(2):
            book(event, guest=GUEST)

        with pytest.raises(services.TooManyGuestBookings):
            book(event, guest=GUEST)

    def test_does_not_count_cancelled_bookings(self, full: Event, admin: User) -> None:
        booking = full.bookings.first()
        assert booking
        services.cancel(booking_id=booking.pk, by=admin)

        assert book(full, guest=GUEST).status == "confirmed"

    def test_is_per_event_and_address(self, full: Event, admin: User) -> None:
        assert book(make_event(admin), guest=GUEST).status == "confirmed"
        assert book(full, guest=replace(GUEST, email="gustav@example.com")).status == "confirmed"

    def test_does_not_concern_users(self, full: Event, owner: User, settings: Any) -> None:
        settings.MAX_GUEST_BOOKINGS = 1

        assert [book(full, owner).status, book(full).status] == ["confirmed", "confirmed"]

    def test_comes_after_the_other_rules(self, full: Event, admin: User) -> None:
        with pytest.raises(services.MoreThanCapacity):
            book(full, guest=GUEST, quantity=11)
        services.cancel_event(event_id=full.pk, by=admin, at=full.created_at)
        with pytest.raises(services.EventCancelled):
            book(full, guest=GUEST)

    def test_is_409_over_http(self, full: Event, anonymous: APIClient) -> None:
        response = anonymous.post(f"/events/{full.pk}/bookings", BODY)

        assert (response.status_code, response.json()["code"]) == (409, "too_many_guest_bookings")

    def test_looks_only_at_the_bookings_of_the_address(self) -> None:
        """Whatever the statistics say: the plan stays the same while an empty table fills."""
        tables = ["events_booking", "booking_event", "booking_once", "booking_guest_address"]
        psql("UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relname = ANY(%(tables)s)", tables=tables)
        psql("PREPARE guest (bigint, text) AS SELECT count(*) FROM events_guest_bookings($1, $2)")
        plan = " ".join(line for (line,) in psql("EXPLAIN EXECUTE guest (1, 'g@example.com')"))
        psql("DEALLOCATE guest")

        assert "booking_guest_address" in plan
        assert "Filter" not in plan
