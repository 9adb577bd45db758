"""What happens to bookings once bookings have closed or the event has started, and when they open again."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from psycopg.errors import CheckViolation

from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import Booking, Event
from events.tests.books import faults
from events.tests.factories import GUEST, book, make_event
from kit.errors import Forbidden
from notifications.models import Delivery, Kind
from projects.tests.psql import psql

pytestmark = [pytest.mark.django_db, pytest.mark.database]

HOUR = timedelta(hours=1)
# Closing time and start, in hours from now. None: bookings never close.
Times = tuple[int | None, int]
OPEN: list[Times] = [(1, 1), (1, 2), (None, 1), (None, -1)]
OVER: list[Times] = [(-1, -1), (-1, 1), (1, -1)]


def move(event: Event, times: Times) -> None:
    """Change the times in psql, so that nothing else happens."""
    closes, starts = (None if hours is None else timezone.now() + hours * HOUR for hours in times)
    psql(
        "SET LOCAL session_replication_role = replica;"
        "UPDATE events_event SET bookings_close_at = %(closes)s, starts_at = %(starts)s WHERE id = %(id)s;"
        "SET LOCAL session_replication_role = origin",
        closes=closes,
        starts=starts,
        id=event.pk,
    )
    event.refresh_from_db()


def statuses(*bookings: Booking) -> list[str]:
    for booking in bookings:
        booking.refresh_from_db()
    return [booking.status for booking in bookings]


@pytest.fixture
def event(admin: User) -> Event:
    return make_event(admin, capacity=2)


@pytest.fixture
def held(event: Event) -> Booking:
    return book(event, quantity=2)


@pytest.fixture
def waits(event: Event, held: Booking) -> Booking:
    return book(event)


def cancel(held: Booking, admin: User) -> None:
    services.cancel(booking_id=held.pk, by=admin)


def cancel_a_seat(held: Booking, admin: User) -> None:
    services.cancel(booking_id=held.pk, by=admin, seats=1)


def cancel_in_psql(held: Booking, admin: User) -> None:
    psql("UPDATE events_booking SET status = 'cancelled', cancelled = quantity WHERE id = %(id)s", id=held.pk)


def enlarge(held: Booking, admin: User) -> None:
    services.update(event_id=held.event_id, by=admin, at=timezone.now(), capacity=3)


def enlarge_in_psql(held: Booking, admin: User) -> None:
    psql("UPDATE events_inventory SET capacity = 3")


def release(held: Booking, admin: User) -> None:
    services.update(event_id=held.event_id, by=admin, at=timezone.now(), capacity=4, withheld=2)
    services.update(event_id=held.event_id, by=admin, at=timezone.now(), withheld=1)


FREE_SEATS = [cancel, cancel_a_seat, cancel_in_psql, enlarge, enlarge_in_psql, release]


@pytest.mark.parametrize("free_seats", FREE_SEATS)
class TestFreedSeats:
    @pytest.mark.parametrize("times", OPEN)
    def test_go_to_the_waiting_list_while_bookings_are_open(
        self, event: Event, held: Booking, waits: Booking, admin: User, times: Times, free_seats: Any
    ) -> None:
        move(event, times)

        free_seats(held, admin)

        assert statuses(waits) == ["confirmed"]
        assert Delivery.objects.filter(booking=waits, kind=Kind.BOOKING_PROMOTED).count() == 1
        assert faults() == []

    @pytest.mark.parametrize("times", OVER)
    def test_stay_free_once_bookings_have_closed_or_the_event_has_started(
        self, event: Event, held: Booking, waits: Booking, admin: User, times: Times, free_seats: Any
    ) -> None:
        move(event, times)

        free_seats(held, admin)

        assert statuses(waits) == ["waiting"]
        assert not Delivery.objects.filter(booking=waits, kind=Kind.BOOKING_PROMOTED).exists()
        assert faults() == []


class TestLeavingTheWaitingList:
    def test_promotes_those_behind_only_while_bookings_are_open(self, event: Event, admin: User) -> None:
        book(event)
        large, small = book(event, quantity=2), book(event)
        move(event, (-1, -1))

        services.cancel(booking_id=large.pk, by=admin)

        assert statuses(small) == ["waiting"]
        assert faults() == []


class TestOpeningAgain:
    """Seats were freed after bookings closed. Once bookings are open again, they go to the waiting list at once."""

    @pytest.fixture
    def closed(self, event: Event, held: Booking, waits: Booking, admin: User) -> Event:
        move(event, (-1, -1))
        services.cancel(booking_id=held.pk, by=admin)
        return event

    @pytest.mark.parametrize(
        "changes",
        [
            {"bookings_close_at": None},
            {"bookings_close_at": HOUR, "starts_at": 2 * HOUR},
            {"starts_at": HOUR, "bookings_close_at": HOUR},
        ],
    )
    def test_promotes_in_the_same_call(
        self, closed: Event, waits: Booking, admin: User, changes: dict[str, timedelta | None]
    ) -> None:
        at = timezone.now()
        times: dict[str, Any] = {name: None if after is None else at + after for name, after in changes.items()}

        services.update(event_id=closed.pk, by=admin, at=at, **times)

        assert statuses(waits) == ["confirmed"]
        closed.inventory.refresh_from_db()
        assert (closed.inventory.confirmed, closed.inventory.waiting) == (1, 0)
        assert Delivery.objects.filter(booking=waits, kind=Kind.BOOKING_PROMOTED).count() == 1
        assert faults() == []

    def test_promotes_in_psql(self, closed: Event, waits: Booking) -> None:
        psql("UPDATE events_event SET bookings_close_at = now() + interval '1 hour', starts_at = 'infinity'")

        assert statuses(waits) == ["confirmed"]

    def test_does_not_promote_while_the_event_has_started(self, closed: Event, waits: Booking) -> None:
        psql("UPDATE events_event SET bookings_close_at = now() + interval '1 hour'")

        assert statuses(waits) == ["waiting"]
        assert faults() == []

    def test_is_not_brought_about_by_other_changes(self, closed: Event, waits: Booking, admin: User) -> None:
        services.update(event_id=closed.pk, by=admin, at=timezone.now(), name="Jazz indoors", price=30)

        assert statuses(waits) == ["waiting"]


class TestPromote:
    def test_confirms_after_closing(self, event: Event, held: Booking, waits: Booking, admin: User) -> None:
        move(event, (-1, -1))
        services.cancel(booking_id=held.pk, by=admin)

        promoted = services.promote(booking_id=waits.pk, by=admin)

        assert (promoted.status, promoted.seats, promoted.position) == ("confirmed", 1, None)
        assert list(promoted.entries.values_list("kind", "quantity", "seats", "waiting", "amount")) == [
            ("requested", 1, 0, 1, 0),
            ("by-hand", 1, 1, -1, 25),
        ]
        assert Delivery.objects.filter(booking=waits, kind=Kind.BOOKING_PROMOTED).count() == 1
        assert faults() == []

    def test_may_pass_those_ahead(self, event: Event, admin: User) -> None:
        book(event)
        large, small = book(event, quantity=2), book(event)

        services.promote(booking_id=small.pk, by=admin)

        assert statuses(large, small) == ["waiting", "confirmed"]
        assert faults() == []

    def test_refuses_what_does_not_fit(self, event: Event, waits: Booking, admin: User) -> None:
        with pytest.raises(services.NotEnoughLeft, match=r"^This event is sold out$"):
            services.promote(booking_id=waits.pk, by=admin)

    def test_refuses_bookings_that_do_not_wait(self, event: Event, held: Booking, admin: User) -> None:
        with pytest.raises(services.NotWaiting):
            services.promote(booking_id=held.pk, by=admin)
        services.cancel(booking_id=held.pk, by=admin)
        with pytest.raises(services.NotWaiting):
            services.promote(booking_id=held.pk, by=admin)
        with pytest.raises(services.BookingNotFound):
            services.promote(booking_id=0, by=admin)

    def test_refuses_everyone_but_admins(self, event: Event, waits: Booking, agent: User) -> None:
        assert waits.user
        for by in (agent, waits.user):
            with pytest.raises(Forbidden):
                services.promote(booking_id=waits.pk, by=by)

    def test_does_not_let_later_statements_pass_anyone(self, event: Event, admin: User) -> None:
        book(event)
        _, first, second = (book(event, quantity=quantity) for quantity in (2, 1, 1))
        services.promote(booking_id=first.pk, by=admin)
        services.update(event_id=event.pk, by=admin, at=timezone.now(), capacity=3)

        with pytest.raises(CheckViolation) as refusal:
            psql("UPDATE events_booking SET status = 'confirmed' WHERE id = %(id)s", id=second.pk)

        assert refusal.value.diag.constraint_name == "booking_passes_nobody"


class TestCancel:
    @pytest.fixture
    def guests(self, event: Event) -> Booking:
        return book(event, guest=GUEST, quantity=2)

    @pytest.mark.parametrize("closes", [-2, 1])
    @pytest.mark.parametrize("seats", [1, None])
    def test_is_refused_to_holders_once_the_event_has_started(
        self, event: Event, held: Booking, waits: Booking, closes: int, seats: int | None
    ) -> None:
        move(event, (closes, -1))

        for booking in (held, waits):
            with pytest.raises(services.EventStarted):
                services.cancel(booking_id=booking.pk, by=booking.user, seats=seats)

        assert statuses(held, waits) == ["confirmed", "waiting"]

    def test_is_refused_to_guests(self, event: Event, guests: Booking) -> None:
        move(event, (-1, -1))

        with pytest.raises(services.EventStarted):
            services.cancel(booking_id=guests.pk, by=None, is_proven=True)

    def test_works_between_closing_and_start(self, event: Event, held: Booking) -> None:
        move(event, (-1, 1))

        services.cancel(booking_id=held.pk, by=held.user)

        assert statuses(held) == ["cancelled"]

    def test_always_works_where_bookings_never_close(self, event: Event, held: Booking) -> None:
        move(event, (None, -1))

        services.cancel(booking_id=held.pk, by=held.user)

        assert statuses(held) == ["cancelled"]

    def test_always_works_for_admins(self, event: Event, held: Booking, guests: Booking, admin: User) -> None:
        move(event, (-1, -1))

        for booking in (held, guests):
            services.cancel(booking_id=booking.pk, by=admin)

            assert statuses(booking) == ["cancelled"]

    def test_says_first_that_a_booking_is_cancelled(self, event: Event, held: Booking, admin: User) -> None:
        services.cancel(booking_id=held.pk, by=admin)
        move(event, (-1, -1))

        with pytest.raises(services.AlreadyCancelled):
            services.cancel(booking_id=held.pk, by=held.user)


class TestHasStarted:
    @pytest.mark.parametrize("times", [*OPEN, *OVER])
    def test_says_the_same_in_python_and_sql(self, event: Event, times: Times) -> None:
        move(event, times)

        ((has_started, is_open),) = psql(
            "SELECT events_has_started(event, now()), events_bookings_open(event, now()) FROM events_event AS event"
        )

        assert event.has_started(timezone.now()) == has_started == (times[0] is not None and times[1] < 0)
        assert is_open == (times[0] is None or times[0] > 0)


class TestFaults:
    def test_include_a_waiting_booking_of_a_deactivated_user(self, event: Event, waits: Booking) -> None:
        psql(
            "SET LOCAL session_replication_role = replica;"
            "UPDATE accounts_user SET is_active = false WHERE id = %(id)s;"
            "SET LOCAL session_replication_role = origin",
            id=waits.user_id,
        )

        assert [str(fault) for fault in faults()] == [
            f"Event #{event.pk}, booking #{waits.pk}: on the waiting list, although its user is deactivated."
        ]


class TestWithheldSeats:
    """A request for up to the capacity may wait, because withheld seats can be released."""

    def test_are_waited_for(self, admin: User) -> None:
        event = make_event(admin, capacity=5, withheld=5)

        booking = book(event, quantity=5)

        assert (booking.status, booking.ahead) == ("waiting", 0)
        services.update(event_id=event.pk, by=admin, at=timezone.now(), withheld=0)
        assert statuses(booking) == ["confirmed"]
        assert faults() == []

    def test_can_grow_while_somebody_waits(self, admin: User) -> None:
        event = make_event(admin, capacity=5, withheld=1)
        booking = book(event, quantity=5)

        services.update(event_id=event.pk, by=admin, at=timezone.now(), withheld=4)
        psql("UPDATE events_inventory SET withheld = 5")

        assert statuses(booking) == ["waiting"]

    def test_do_not_let_the_capacity_drop_below_a_waiting_booking(self, admin: User) -> None:
        event = make_event(admin, capacity=5, withheld=5)
        book(event, quantity=5)

        # As many seats would be for sale as before.
        with pytest.raises(services.CapacityBelowWaiting):
            services.update(event_id=event.pk, by=admin, at=timezone.now(), capacity=4, withheld=4)
        with pytest.raises(CheckViolation) as refusal:
            psql("UPDATE events_inventory SET capacity = 4, withheld = 4")

        assert refusal.value.diag.constraint_name == "inventory_enough_for_waiting"

    def test_are_not_enough_for_more_than_the_capacity_in_psql(self, admin: User) -> None:
        event = make_event(admin, capacity=5, withheld=5)

        with pytest.raises(CheckViolation) as refusal:
            psql(
                "INSERT INTO events_booking"
                " (event_id, user_id, quantity, status, queue_number, unit_price, origin, created_at)"
                " VALUES (%(event)s, %(user)s, 6, 'waiting', 1, 25, 'api', now())",
                event=event.pk,
                user=make_user().pk,
            )

        assert refusal.value.diag.constraint_name == "inventory_enough_for_waiting"
