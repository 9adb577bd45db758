"""Concurrent scans, cancellations and undoing, with real threads, connections and locks.

Each rule is tested as it is, and with what guarantees it removed, which must show the race.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from events import services
from events.models import Booking, CheckIn, Event
from events.tests.books import falsify, replaced
from events.tests.factories import GUEST, book
from events.ticket_codes import Ticket
from kit.tests.races import apart, at_once, together
from projects.tests.psql import psql

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.database,
    pytest.mark.slow,
]

LOCK = "booking.id = entered_booking FOR NO KEY UPDATE"
PAUSE = "INSERT INTO events_checkin AS scan"


@pytest.fixture
def booking(event: Event) -> Booking:
    return book(event, guest=GUEST, quantity=2)


@pytest.fixture
def without_lock(db: None) -> Iterator[None]:
    """Remove the locks on the booking, and wait between the decision and the insert."""
    ((trigger,),) = psql("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_admit_valid%'")
    psql(f"ALTER TABLE events_checkin DISABLE TRIGGER {trigger}")
    with replaced(
        "events_check_in", (LOCK, "booking.id = entered_booking"), (PAUSE, f"PERFORM pg_sleep(0.3); {PAUSE}")
    ):
        yield
    psql(f"ALTER TABLE events_checkin ENABLE TRIGGER {trigger}")


@pytest.fixture
def without_constraint(db: None) -> Iterator[None]:
    """Remove the unique index on seats that are taken."""
    ((once,),) = psql("SELECT pg_get_indexdef('check_in_once'::regclass)")
    psql("DROP INDEX check_in_once")
    yield
    falsify("DELETE FROM events_checkin")
    psql(once)


def scanning(booking: Booking, seat: int, *, by: User, nonce: str | None = None) -> Callable[[], Any]:
    def call() -> str:
        scan = services.check_in(
            event_id=booking.event_id,
            code=Ticket(booking.pk, seat, 1).code(),
            by=by,
            at=timezone.now(),
            nonce=nonce,
        )
        return "repeated" if scan.is_repetition else "admitted"

    return lambda: apart(call)


class TestEightScansOfOneTicket:
    def outcomes(self, booking: Booking, by: User) -> Counter[Any]:
        return Counter(at_once(*[scanning(booking, 1, by=by)] * 8))

    def test_admit_one_guest(self, booking: Booking, agent: User) -> None:
        assert self.outcomes(booking, agent) == {"admitted": 1, "repeated": 7}
        assert CheckIn.objects.valid().count() == 1

    @pytest.mark.usefixtures("without_lock", "without_constraint")
    def test_admit_several_without_lock_and_constraint(self, booking: Booking, agent: User) -> None:
        assert self.outcomes(booking, agent)["admitted"] > 1

    @pytest.mark.usefixtures("without_constraint")
    def test_admit_one_guest_by_the_lock_alone(self, booking: Booking, agent: User) -> None:
        assert self.outcomes(booking, agent) == {"admitted": 1, "repeated": 7}


class TestOneScanSentFourTimes:
    def outcomes(self, booking: Booking, by: User) -> list[Any]:
        return at_once(*[scanning(booking, 1, by=by, nonce="a")] * 4)

    def test_is_recorded_once(self, booking: Booking, agent: User) -> None:
        assert self.outcomes(booking, agent) == ["admitted"] * 4
        assert CheckIn.objects.count() == 1


class TestOneNonceForTwoTickets:
    def test_is_good_for_one_of_them(self, event: Event, booking: Booking, agent: User) -> None:
        other = book(event)

        outcomes = at_once(scanning(booking, 1, by=agent, nonce="a"), scanning(other, 1, by=agent, nonce="a"))

        assert Counter(outcomes) == {"admitted": 1, services.NonceReused: 1}
        assert CheckIn.objects.count() == 1


def cancelling(booking: Booking) -> Callable[[], Any]:
    """Return a call by which the holder cancels a seat."""

    def call() -> str:
        services.cancel(booking_id=booking.pk, by=None, is_proven=True, seats=1)
        return "cancelled"

    return call


class TestScanAndCancellation:
    """The holder cancels a seat for a refund while somebody enters with its ticket: only one of them succeeds."""

    def outcomes(self, booking: Booking, by: User) -> set[Any]:
        return set(together(scanning(booking, 2, by=by), cancelling(booking)))

    @pytest.mark.parametrize("attempt", range(5))
    def test_do_not_both_succeed(self, booking: Booking, agent: User, attempt: int) -> None:
        outcomes = self.outcomes(booking, agent)

        assert outcomes in ({"admitted", services.TicketsCheckedIn}, {services.TicketCancelled, "cancelled"})

    @pytest.mark.usefixtures("without_lock")
    def test_both_succeed_without_the_lock(self, booking: Booking, agent: User) -> None:
        assert self.outcomes(booking, agent) == {"admitted", "cancelled"}


class TestReissueAndScan:
    def test_leave_one_valid_code(self, booking: Booking, agent: User) -> None:
        """A code that is scanned before it is replaced admits its guest, and none after."""

        def reissuing() -> str:
            services.reissue_tickets(booking_id=booking.pk, by=agent)
            return "reissued"

        outcomes = set(together(scanning(booking, 1, by=agent), reissuing))

        assert outcomes in ({"admitted", "reissued"}, {services.TicketReplaced, "reissued"})
        assert scanning(booking, 2, by=agent)() is services.TicketReplaced
