"""Check-ins: what admits a guest, what is refused, and what the database guarantees."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from psycopg.errors import ForeignKeyViolation
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.services import HasRecords
from accounts.services import delete as delete_user
from accounts.tests.factories import make_user
from events import services
from events.models import Booking, BookingStatus, CheckIn, Event, Outcome
from events.services import Scan
from events.services.check_ins import CLOCK_SKEW
from events.tests.factories import GUEST, book, make_event
from events.ticket_codes import Ticket
from kit.db.sql import MAX_ID, violated
from kit.errors import Forbidden, Invalid, Refused
from kit.versions import Expected, VersionConflict
from projects.tests.psql import psql

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def booking(event: Event) -> Booking:
    return book(event, guest=GUEST, quantity=3)


def code_of(booking: Booking, seat: int = 1, *, revision: int = 1) -> str:
    return Ticket(booking.pk, seat, revision).code()


def scan(booking: Booking, seat: int = 1, *, by: User, event: Event | None = None, **more: Any) -> Scan:
    values = {
        "event_id": event.pk if event else booking.event_id,
        "code": code_of(booking, seat),
        "at": timezone.now(),
        **more,
    }
    return services.check_in(by=by, **values)


def states(booking: Booking) -> list[tuple[int, str]]:
    return [(each.seat, each.outcome.value) for each in booking.check_ins.order_by("pk")]


class TestCheckIn:
    def test_admits_the_guest_once(self, booking: Booking, agent: User, admin: User) -> None:
        first = scan(booking, 2, by=agent, device="North door")
        again = scan(booking, 2, by=admin, device="South door")

        assert (first.booking_id, first.seat, first.quantity, first.holder) == (booking.pk, 2, 3, "Greta Guest")
        assert (first.is_repetition, first.refusal) == (False, None)
        assert again.is_repetition
        assert (again.checked_in_at, again.checked_in_by, again.device) == (
            first.checked_in_at,
            agent.name,
            "North door",
        )
        assert isinstance(again.refusal, services.AlreadyCheckedIn)
        assert states(booking) == [(2, Outcome.ADMITTED), (2, Outcome.REPEATED)]

    def test_names_the_user(self, event: Event, owner: User, agent: User) -> None:
        assert scan(book(event, owner), by=agent).holder == owner.name

    def test_takes_one_statement(
        self, booking: Booking, agent: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(2):
            with django_assert_num_queries(1):
                scan(booking, by=agent)

    def test_is_for_staff(self, booking: Booking, owner: User) -> None:
        with pytest.raises(Forbidden):
            scan(booking, by=owner)

    def test_refuses_other_codes(self, booking: Booking, agent: User) -> None:
        for code in ("", "x", code_of(booking)[:-1], "9" * 28, Ticket(booking.pk + 1000, 1, 1).code()):
            with pytest.raises(services.TicketNotFound):
                scan(booking, by=agent, code=code)

    def test_refuses_a_code_of_a_later_revision(self, booking: Booking, agent: User) -> None:
        with pytest.raises(services.TicketNotFound):
            scan(booking, by=agent, code=code_of(booking, revision=2))

    def test_refuses_tickets_for_another_event(self, booking: Booking, admin: User, agent: User) -> None:
        scan(booking, by=agent)

        with pytest.raises(services.WrongEvent):
            scan(booking, by=agent, event=make_event(admin))

    def test_refuses_who_is_waiting(self, admin: User, agent: User) -> None:
        event = make_event(admin, capacity=1)
        book(event)

        with pytest.raises(services.NotConfirmed):
            scan(book(event), by=agent)

    def test_refuses_cancelled_tickets_even_if_they_were_used(self, booking: Booking, admin: User, agent: User) -> None:
        """The highest numbers are cancelled first."""
        for seat in (1, 3):
            scan(booking, seat, by=agent)
        services.cancel(booking_id=booking.pk, by=admin, seats=2)

        for seat in (2, 3):
            with pytest.raises(services.TicketCancelled):
                scan(booking, seat, by=agent)
        assert scan(booking, 1, by=agent).is_repetition
        services.cancel(booking_id=booking.pk, by=admin)
        with pytest.raises(services.TicketCancelled):
            scan(booking, 1, by=agent)

    def test_refuses_seats_that_the_booking_never_had(self, booking: Booking, agent: User) -> None:
        with pytest.raises(services.TicketCancelled):
            scan(booking, 4, by=agent)

    def test_refuses_tickets_of_a_cancelled_event(self, booking: Booking, admin: User, agent: User) -> None:
        services.cancel_event(event_id=booking.event_id, by=admin, at=timezone.now())

        with pytest.raises(services.TicketCancelled):
            scan(booking, by=agent)

    def test_knows_only_visible_events(self, booking: Booking, admin: User, agent: User) -> None:
        draft = make_event(admin, status="draft")
        services.withdraw(event_id=booking.event_id, by=admin, at=timezone.now())

        for user, event_id in ((agent, booking.event_id), (admin, booking.event_id), (agent, draft.pk)):
            for code in (code_of(booking), "x"):
                with pytest.raises(services.EventNotFound):
                    scan(booking, by=user, event_id=event_id, code=code)
        for event_id in (0, -1, MAX_ID, MAX_ID + 1):
            with pytest.raises(services.EventNotFound):
                scan(booking, by=agent, event_id=event_id)
        with pytest.raises(services.WrongEvent):
            scan(booking, by=admin, event=draft)

    def test_refuses_nothing_silently(self, booking: Booking, agent: User) -> None:
        """A refusal leaves no row."""
        with pytest.raises(services.TicketCancelled):
            scan(booking, 4, by=agent)

        assert not CheckIn.objects.exists()


class TestScannedEarlier:
    def test_is_kept_with_its_time(self, booking: Booking, agent: User) -> None:
        at = timezone.now()

        scanned = scan(booking, by=agent, at=at, scanned_at=booking.event.created_at)

        row = CheckIn.objects.get()
        assert scanned.checked_in_at == row.at == booking.event.created_at
        assert abs(row.received_at - at) < timedelta(minutes=1)

    @pytest.mark.parametrize("offset", [timedelta(), CLOCK_SKEW])
    def test_may_be_a_little_ahead(self, booking: Booking, agent: User, offset: timedelta) -> None:
        at = timezone.now()

        assert scan(booking, by=agent, at=at, scanned_at=at + offset).checked_in_at == at + offset

    def test_is_refused_in_the_future_and_before_the_event(self, booking: Booking, agent: User) -> None:
        at, second = timezone.now(), timedelta(seconds=1)
        for scanned_at in (at + CLOCK_SKEW + second, booking.event.created_at - second):
            with pytest.raises(Invalid) as refusal:
                scan(booking, by=agent, at=at, scanned_at=scanned_at)
            assert list(refusal.value.fields) == ["at"]


class TestNonce:
    def test_gets_the_same_answer(self, booking: Booking, agent: User, admin: User) -> None:
        first = scan(booking, by=agent, nonce="a")
        repeated = scan(booking, by=agent, nonce="b", device="South door")

        assert scan(booking, by=agent, nonce="a", at=timezone.now()) == first
        assert scan(booking, by=admin, nonce="b") == repeated
        assert repeated.is_repetition
        assert CheckIn.objects.count() == 2

    def test_gets_the_same_answer_when_the_ticket_is_no_longer_valid(
        self, booking: Booking, agent: User, admin: User
    ) -> None:
        first = scan(booking, 3, by=agent, nonce="a")
        repeated = scan(booking, 3, by=agent, nonce="b")
        services.undo_check_in(event_id=booking.event_id, check_in_id=first.id, by=agent, at=timezone.now())
        services.cancel(booking_id=booking.pk, by=admin, seats=1)

        again = [scan(booking, 3, by=agent, nonce=nonce) for nonce in "ab"]

        assert [each.id for each in again] == [first.id, repeated.id]
        assert [each.checked_in_at for each in again] == [first.checked_in_at] * 2
        assert [each.is_repetition for each in again] == [False, True]

    def test_is_for_one_ticket(self, event: Event, booking: Booking, agent: User) -> None:
        scan(booking, by=agent, nonce="a")

        for other in ((booking, 2), (book(event), 1)):
            with pytest.raises(services.NonceReused):
                scan(*other, by=agent, nonce="a")
        assert CheckIn.objects.count() == 1

    def test_is_for_one_event(self, booking: Booking, admin: User, agent: User) -> None:
        scan(booking, by=agent, nonce="a")

        assert not scan(book(make_event(admin)), by=agent, nonce="a").is_repetition

    def test_of_a_refused_scan_can_be_used_again(self, admin: User, agent: User) -> None:
        event = make_event(admin, capacity=1)
        first, waiting = book(event), book(event)
        with pytest.raises(services.NotConfirmed):
            scan(waiting, by=agent, nonce="a")
        services.cancel(booking_id=first.pk, by=admin)

        assert not scan(waiting, by=agent, nonce="a").is_repetition


class TestCheckInSeats:
    def check_in(self, booking: Booking, seats: int, *, by: User, event: Event | None = None) -> list[int]:
        found = services.check_in_seats(
            event_id=(event or booking.event).pk, booking_id=booking.pk, seats=seats, by=by, at=timezone.now()
        )
        return [each.seat for each in found]

    def test_takes_the_lowest_free_seats(self, booking: Booking, agent: User) -> None:
        scan(booking, 1, by=agent)

        assert self.check_in(booking, 1, by=agent) == [2]
        assert self.check_in(booking, 1, by=agent) == [3]

    @pytest.mark.parametrize(
        ("taken", "message"),
        [(0, "Only 3 seats of this booking are not"), (2, "Only 1 seat of this booking is not"), (3, "All seats")],
    )
    def test_refuses_more_than_are_free(self, booking: Booking, agent: User, taken: int, message: str) -> None:
        for seat in range(1, taken + 1):
            scan(booking, seat, by=agent)

        with pytest.raises(services.FewerToCheckIn, match=message):
            self.check_in(booking, 4 - taken, by=agent)
        assert CheckIn.objects.count() == taken

    def test_has_the_rules_of_scanning(self, booking: Booking, admin: User, agent: User, owner: User) -> None:
        full = make_event(admin, capacity=1)
        cancelled, waiting = book(full), book(full)
        attempts: list[tuple[type[Refused], Any]] = [
            (Forbidden, lambda: self.check_in(booking, 1, by=owner)),
            (services.WrongEvent, lambda: self.check_in(booking, 1, by=agent, event=full)),
            (services.NotConfirmed, lambda: self.check_in(waiting, 1, by=agent)),
            (
                services.TicketCancelled,
                lambda: (services.cancel(booking_id=cancelled.pk, by=admin), self.check_in(cancelled, 1, by=agent)),
            ),
        ]
        for refusal, attempt in attempts:
            with pytest.raises(refusal):
                attempt()


class TestUndo:
    def undo(self, booking: Booking, check_in_id: int, *, by: User, event_id: int | None = None) -> None:
        services.undo_check_in(event_id=event_id or booking.event_id, check_in_id=check_in_id, by=by, at=timezone.now())

    def test_makes_the_ticket_good_again(self, booking: Booking, agent: User, admin: User) -> None:
        first = scan(booking, by=agent)

        self.undo(booking, first.id, by=admin)

        undone = CheckIn.objects.get()
        assert (undone.undone_by, undone.outcome) == (admin, Outcome.UNDONE)
        assert not scan(booking, by=agent).is_repetition

    def test_refuses_what_is_no_admission_of_the_event(self, booking: Booking, agent: User, admin: User) -> None:
        first, repeated = scan(booking, by=agent), scan(booking, by=agent)
        other = make_event(admin)
        for check_in_id, event_id in ((repeated.id, None), (first.id, other.pk), (MAX_ID, None)):
            with pytest.raises(services.CheckInNotFound):
                self.undo(booking, check_in_id, by=agent, event_id=event_id)
        self.undo(booking, first.id, by=agent)
        with pytest.raises(services.CheckInNotFound):
            self.undo(booking, first.id, by=agent)

    def test_is_for_staff_who_see_the_event(self, booking: Booking, agent: User, owner: User, admin: User) -> None:
        first = scan(booking, by=agent)
        with pytest.raises(Forbidden):
            self.undo(booking, first.id, by=owner)
        services.withdraw(event_id=booking.event_id, by=admin, at=timezone.now())
        with pytest.raises(services.EventNotFound):
            self.undo(booking, first.id, by=agent)


class TestReissue:
    def test_replaces_all_codes(self, booking: Booking, agent: User, admin: User) -> None:
        services.reissue_tickets(booking_id=booking.pk, by=admin)

        booking.refresh_from_db()
        assert (booking.code_revision, booking.version) == (2, 2)
        assert booking.changed_since(1) == ["code_revision"]
        with pytest.raises(services.TicketReplaced) as refusal:
            scan(booking, by=agent)
        assert refusal.value.code == "ticket_cancelled"
        assert not scan(booking, by=agent, code=code_of(booking, revision=2)).is_repetition

    def test_leaves_who_is_in(self, booking: Booking, agent: User) -> None:
        """A new code for the same seat lets nobody else in."""
        scan(booking, by=agent)

        services.reissue_tickets(booking_id=booking.pk, by=agent)

        assert scan(booking, by=agent, code=code_of(booking, revision=2)).is_repetition

    def test_is_for_the_holder_and_staff(self, event: Event, owner: User, outsider: User, agent: User) -> None:
        own, guests = book(event, owner), book(event, guest=GUEST)
        services.reissue_tickets(booking_id=own.pk, by=owner)
        services.reissue_tickets(booking_id=own.pk, by=agent)
        services.reissue_tickets(booking_id=guests.pk, by=None, is_proven=True)
        for booking, user in ((own, outsider), (own, None), (guests, owner), (guests, None)):
            with pytest.raises(services.BookingNotFound):
                services.reissue_tickets(booking_id=booking.pk, by=user)

        own.refresh_from_db()
        assert own.code_revision == 3

    def test_refuses_bookings_without_tickets(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=1)
        first, waiting = book(event), book(event, owner)
        with pytest.raises(services.NotConfirmed):
            services.reissue_tickets(booking_id=waiting.pk, by=owner)
        services.cancel(booking_id=first.pk, by=admin)
        with pytest.raises(services.AlreadyCancelled):
            services.reissue_tickets(booking_id=first.pk, by=admin)

    def test_hides_deleted_events_from_agents(self, booking: Booking, admin: User, agent: User) -> None:
        services.withdraw(event_id=booking.event_id, by=admin, at=timezone.now())

        with pytest.raises(services.BookingNotFound):
            services.reissue_tickets(booking_id=booking.pk, by=agent)

    def test_checks_the_version(self, booking: Booking, admin: User) -> None:
        services.reissue_tickets(booking_id=booking.pk, by=admin, expected=Expected({1}))
        with pytest.raises(VersionConflict) as conflict:
            services.reissue_tickets(booking_id=booking.pk, by=admin, expected=Expected({1}))

        assert list(conflict.value.fields) == ["code_revision"]


class TestCancelling:
    """Customers cannot cancel seats that are checked in; staff can, and then nobody is on them."""

    @pytest.mark.parametrize(
        ("taken", "seats", "message"),
        [
            (1, 3, "Only 2 tickets can be cancelled"),
            (2, 2, "Only 1 ticket can be cancelled"),
            (3, 1, "Tickets that are checked in cannot"),
        ],
    )
    def test_is_refused_to_holders_of_seats_that_are_taken(
        self, booking: Booking, agent: User, taken: int, seats: int, message: str
    ) -> None:
        scan(booking, taken, by=agent)

        with pytest.raises(services.TicketsCheckedIn, match=message):
            services.cancel(booking_id=booking.pk, by=None, is_proven=True, seats=seats)

    def test_of_free_seats_is_open_to_holders(self, booking: Booking, agent: User) -> None:
        scan(booking, 1, by=agent)

        services.cancel(booking_id=booking.pk, by=None, is_proven=True, seats=2)

        assert states(booking) == [(1, Outcome.ADMITTED)]

    def test_by_staff_undoes_their_check_ins(self, booking: Booking, agent: User) -> None:
        for seat in (1, 3, 3):
            scan(booking, seat, by=agent)

        services.cancel(booking_id=booking.pk, by=agent, for_holder=True, seats=1)

        assert states(booking) == [(1, Outcome.ADMITTED), (3, Outcome.UNDONE), (3, Outcome.REPEATED)]
        assert booking.check_ins.exclude(undone_at=None).get().undone_by is None

    def test_of_the_event_undoes_all(self, booking: Booking, agent: User, admin: User) -> None:
        scan(booking, by=agent)

        services.cancel_event(event_id=booking.event_id, by=admin, at=timezone.now())

        assert states(booking) == [(1, Outcome.UNDONE)]

    def test_in_sql_undoes_them_too(self, booking: Booking, agent: User) -> None:
        scan(booking, by=agent)

        psql("UPDATE events_booking SET status = 'cancelled', cancelled = quantity WHERE id = %(id)s", id=booking.pk)

        assert states(booking) == [(1, Outcome.UNDONE)]


class TestDatabase:
    def values(self, booking: Booking, by: User, **more: Any) -> dict[str, Any]:
        return {"event_id": booking.event_id, "booking": booking, "seat": 1, "at": timezone.now(), "by": by, **more}

    @pytest.mark.parametrize(
        ("more", "constraint"),
        [
            ({"seat": 4}, "check_in_valid"),
            ({"seat": 0}, "check_in_seat"),
            ({"seat": 2}, "check_in_once"),
            ({"seat": 3, "nonce": "a"}, "check_in_nonce"),
            ({"undone_by": True}, "check_in_undone"),
        ],
    )
    def test_refuses(self, booking: Booking, agent: User, more: dict[str, Any], constraint: str) -> None:
        scan(booking, 2, by=agent, nonce="a")
        more = {name: agent if value is True else value for name, value in more.items()}

        with pytest.raises(IntegrityError) as error, transaction.atomic():
            CheckIn.objects.create(**self.values(booking, agent, **more))

        assert violated(error.value) == constraint

    def test_refuses_bookings_that_are_not_confirmed(self, admin: User, agent: User) -> None:
        event = make_event(admin, capacity=1)
        book(event)
        waiting = book(event)
        assert waiting.status == BookingStatus.WAITING

        with pytest.raises(IntegrityError, match="only seats of a confirmed booking"), transaction.atomic():
            CheckIn.objects.create(**self.values(waiting, agent))

    def test_refuses_a_booking_of_another_event(self, booking: Booking, agent: User, admin: User) -> None:
        def create() -> None:
            CheckIn.objects.create(**self.values(booking, agent, event_id=make_event(admin).pk))
            psql("SET CONSTRAINTS ALL IMMEDIATE")

        with pytest.raises(ForeignKeyViolation, match="check_in_of_booking"), transaction.atomic():
            create()

    @pytest.mark.parametrize(
        "change",
        [
            "DELETE FROM events_checkin",
            "UPDATE events_checkin SET seat = 2",
            "UPDATE events_checkin SET at = now()",
            "UPDATE events_checkin SET by_id = by_id + 1",
            "UPDATE events_checkin SET undone_at = NULL WHERE undone_at IS NOT NULL",
            "UPDATE events_checkin SET undone_at = now() WHERE earlier_id IS NOT NULL",
            "UPDATE events_booking SET code_revision = 0",
        ],
    )
    def test_keeps_the_log(self, booking: Booking, agent: User, change: str) -> None:
        first = scan(booking, by=agent)
        scan(booking, by=agent)
        services.undo_check_in(event_id=booking.event_id, check_in_id=first.id, by=agent, at=timezone.now())

        with pytest.raises(psycopg.DatabaseError):
            psql(change)

    def test_keeps_who_checked_in(self, booking: Booking, agent: User, admin: User) -> None:
        scan(booking, by=agent)

        with pytest.raises(HasRecords):
            delete_user(user_id=agent.pk, by=admin)
        delete_user(user_id=make_user().pk, by=admin)
