"""A user's bookings after deactivation, by whatever path."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.utils import timezone

from accounts import services as accounts
from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import Booking, Event
from events.tests.books import falsify, faults
from events.tests.factories import book, make_event
from notifications.models import Delivery, Kind
from projects.tests.psql import psql

pytestmark = [pytest.mark.django_db, pytest.mark.database]

Deactivate = Callable[[User, User, Any], None]


def with_the_service(user: User, admin: User, signed_in: Any) -> None:
    accounts.update(user_id=user.pk, by=admin, is_active=False)


def over_http(user: User, admin: User, signed_in: Any) -> None:
    assert signed_in(admin).post(f"/users/{user.pk}/deactivate").status_code == 200


def in_psql(user: User, admin: User, signed_in: Any) -> None:
    psql("UPDATE accounts_user SET is_active = false WHERE id = %(id)s", id=user.pk)


@pytest.fixture
def event(admin: User) -> Event:
    return make_event(admin, capacity=2)


def statuses(*bookings: Booking) -> list[str]:
    for booking in bookings:
        booking.refresh_from_db()
    return [booking.status for booking in bookings]


@pytest.mark.parametrize("deactivate", [with_the_service, over_http, in_psql])
class TestDeactivation:
    def test_cancels_waiting_bookings_and_keeps_confirmed_ones(
        self, admin: User, owner: User, signed_in: Any, deactivate: Deactivate
    ) -> None:
        held = book(make_event(admin), owner)
        waits = [book(make_event(admin, capacity=1, withheld=1), owner) for _ in range(2)]

        deactivate(owner, admin, signed_in)

        assert statuses(held, *waits) == ["confirmed", "cancelled", "cancelled"]
        assert list(waits[0].entries.values_list("kind", "waiting")) == [("requested", 1), ("cancelled", -1)]
        assert faults() == []

    def test_promotes_those_behind(
        self, event: Event, admin: User, owner: User, signed_in: Any, deactivate: Deactivate
    ) -> None:
        book(event)
        large, small = book(event, owner, quantity=2), book(event)

        deactivate(owner, admin, signed_in)

        assert statuses(large, small) == ["cancelled", "confirmed"]
        assert Delivery.objects.filter(booking=small, kind=Kind.BOOKING_PROMOTED).count() == 1
        assert faults() == []

    def test_mails_the_user_nothing(
        self, event: Event, admin: User, owner: User, signed_in: Any, deactivate: Deactivate
    ) -> None:
        book(event, quantity=2)
        waits = book(event, owner)

        deactivate(owner, admin, signed_in)

        assert list(waits.deliveries.values_list("kind", flat=True)) == [Kind.BOOKING_WAITING]

    def test_is_not_undone_by_a_reactivation(
        self, event: Event, admin: User, owner: User, signed_in: Any, deactivate: Deactivate
    ) -> None:
        held = book(event, quantity=2)
        waits = book(event, owner)
        deactivate(owner, admin, signed_in)

        accounts.update(user_id=owner.pk, by=admin, is_active=True)
        services.cancel(booking_id=held.pk, by=admin)

        assert statuses(waits) == ["cancelled"]


class TestBooking:
    def test_does_not_put_deactivated_users_on_the_waiting_list(self, event: Event, admin: User, owner: User) -> None:
        accounts.update(user_id=owner.pk, by=admin, is_active=False)
        book(event, quantity=2)

        with pytest.raises(services.UserDeactivated):
            services.book(event_id=event.pk, quantity=1, by=admin, user=owner, at=timezone.now())


class TestMigration:
    def test_cancels_waiting_bookings_of_users_deactivated_earlier(self, event: Event, owner: User) -> None:
        book(event)
        large, small = book(event, owner, quantity=2), book(event, make_user())
        falsify(f"UPDATE accounts_user SET is_active = false WHERE id = {owner.pk}")

        psql(import_module("events.migrations.0008_cancel_waiting_of_deactivated").CANCEL_WAITING)

        assert statuses(large, small) == ["cancelled", "confirmed"]
        assert not Delivery.objects.filter(booking=large, kind=Kind.BOOKING_CANCELLED).exists()
        assert faults() == []
