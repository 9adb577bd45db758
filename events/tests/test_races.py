"""Concurrent bookings, cancellations and changes, with real threads, connections and locks.

Each rule is tested as it is, with the services' lock removed so that only the database enforces it, and with the
database's checks removed as well. The last one must show the race, or the others would prove nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pgtrigger.installation
import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from accounts import services as accounts
from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import Booking, BookingQuerySet, Event, InventoryQuerySet
from events.tests.books import falsify, faults, replaced, unlocked
from events.tests.factories import GUEST, Joins, book, make_event, make_guest
from kit.db.sql import violated
from kit.idempotency.keys import Key, StillRunning
from kit.tests.races import apart, during, together, until_all_wait
from kit.web.problems import describe
from projects.tests.psql import psql

# Where events_book counts with the lock held.
SECOND_COUNT = "IF has_lock AND holder IS NULL THEN"

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.database,
    pytest.mark.slow,
]


@pytest.fixture
def capacity() -> int:
    return 5


@pytest.fixture
def without_lock(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Remove the locks of the services."""
    monkeypatch.setattr(InventoryQuerySet, "locked", lambda inventories: inventories)
    monkeypatch.setattr(BookingQuerySet, "select_for_update", lambda bookings, **_: bookings)
    with unlocked("events_book"):
        yield


@pytest.fixture
def without_checks(db: None) -> Iterator[None]:
    """Remove the constraints against overselling and against second bookings."""
    ((seats_fit,),) = psql("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'inventory_seats_fit'")
    ((once,),) = psql("SELECT pg_get_indexdef('booking_once'::regclass)")
    psql("ALTER TABLE events_inventory DROP CONSTRAINT inventory_seats_fit")
    psql("DROP INDEX booking_once")
    yield
    falsify("DELETE FROM events_inventory", "DELETE FROM events_bookingentry")
    falsify("DELETE FROM notifications_delivery", "DELETE FROM events_booking")
    psql(f"ALTER TABLE events_inventory ADD CONSTRAINT inventory_seats_fit {seats_fit}")
    psql(once)


@pytest.fixture
def promoting_without_lock(db: None) -> Iterator[None]:
    with unlocked("events_promote"):
        yield


def hold(event: Event) -> Callable[[], Any]:
    return lambda: psql("SELECT FROM events_inventory WHERE event_id = %(event)s FOR NO KEY UPDATE", event=event.pk)


def booking_of(event: Event, user: User | None = None, **more: Any) -> Callable[[], Any]:
    """Return a call that books and returns the status, or the constraint that it violated."""

    def call() -> str:
        who = {"guest": make_guest()} if user is None else {"user": user}
        try:
            return str(book(event, **who, **more).status)
        except IntegrityError as error:
            return violated(error)

    return call


def impatient(call: Callable[[], Any]) -> Callable[[], Any]:
    """Return the call with a short lock timeout."""

    def run() -> Any:
        psql("SET lock_timeout = '200ms'")
        return call()

    return run


def change(event: Event, **changes: Any) -> Callable[[], Any]:
    return lambda: services.update(event_id=event.pk, by=event.created_by, at=timezone.now(), **changes)


def cancelling_event(event: Event) -> Callable[[], Any]:
    return lambda: services.cancel_event(event_id=event.pk, by=event.created_by, at=timezone.now())


def cancelling_booking(booking: Booking) -> Callable[[], Any]:
    return lambda: services.cancel(booking_id=booking.pk, by=booking.user)


def deactivating(user: User, *, by: User) -> Callable[[], Any]:
    return lambda: accounts.update(user_id=user.pk, by=by, is_active=False)


def promoting(booking: Booking, *, by: User) -> Callable[[], Any]:
    def call() -> str:
        try:
            return str(services.promote(booking_id=booking.pk, by=by).status)
        except IntegrityError as error:
            return violated(error)

    return call


def sold(event: Event) -> int:
    return sum(Booking.objects.filter(event=event).values_list("seats", flat=True))


class TestTwentyBookingsForFiveSeats:
    def outcomes(self, event: Event) -> Counter[str]:
        return Counter(during(hold(event), *[booking_of(event)] * 20))

    def test_fifteen_wait_in_order(self, event: Event) -> None:
        assert self.outcomes(event) == {"confirmed": 5, "waiting": 15}
        assert list(Booking.objects.queue().values_list("queue_number", flat=True)) == list(range(1, 16))
        assert faults() == []

    def test_constraints_alone_prevent_overselling(self, event: Event, without_lock: None) -> None:
        # All of them saw the seats as free.
        assert self.outcomes(event) == {"confirmed": 5, "inventory_seats_fit": 15}
        assert faults() == []

    def test_oversells_without_lock_and_constraints(
        self, event: Event, without_lock: None, without_checks: None
    ) -> None:
        assert self.outcomes(event) == {"confirmed": 20}
        assert sold(event) == 20
        assert "oversold" in {fault.fault for fault in faults()}


class TestOneUserBooksRepeatedly:
    def outcomes(self, event: Event) -> list[Any]:
        user = make_user()
        return during(hold(event), *[booking_of(event, user)] * 3)

    def test_succeeds_once(self, event: Event) -> None:
        assert Counter(self.outcomes(event)) == {"confirmed": 1, services.AlreadyBooked: 2}

    def test_is_refused_as_already_waiting(self, event: Event) -> None:
        book(event, quantity=5)

        assert Counter(self.outcomes(event)) == {"waiting": 1, services.AlreadyWaiting: 2}

    def test_is_refused_within_a_transaction(self, event: Event, owner: User) -> None:
        book(event, quantity=5)

        def in_a_transaction() -> Any:
            with transaction.atomic():
                return book(event, owner)

        (outcome,) = during(lambda: book(event, owner), in_a_transaction)

        assert outcome is services.AlreadyWaiting

    def test_books_several_times_without_the_constraint(self, event: Event, without_checks: None) -> None:
        assert Counter(self.outcomes(event)) == {"confirmed": 3}


class TestEightBookingsWithOneKey:
    """Guests may have several bookings, so only the key prevents them."""

    def test_books_once(self, event: Event) -> None:
        key = Key(bytes(32), b"body")

        def once() -> Any:
            booking = book(event, key=key)
            return booking.pk, booking.is_repeated

        outcomes = Counter(during(hold(event), *[once] * 8))

        (booking,) = event.bookings.all()
        assert outcomes == {(booking.pk, False): 1, (booking.pk, True): 7}

    def test_times_out_as_still_running(self, event: Event) -> None:
        key = Key(bytes(32), b"body")

        with transaction.atomic(), ThreadPoolExecutor(1) as pool:
            book(event, key=key)
            outcome = pool.submit(apart, impatient(lambda: book(event, key=key))).result()

        assert outcome is StillRunning

    def test_timeout_on_the_event_is_503(self, event: Event) -> None:
        key = Key(bytes(32), b"body")

        with transaction.atomic(), ThreadPoolExecutor(1) as pool:
            hold(event)()
            with pytest.raises(OperationalError) as refusal:
                pool.submit(apart, impatient(lambda: book(event, key=key))).result()

        assert describe(refusal.value).status == 503

    def test_books_eight_times_without_the_key(self, event: Event) -> None:
        assert Counter(during(hold(event), *[booking_of(event)] * 8)) == {"confirmed": 5, "waiting": 3}


class TestBookingWhileTheLastSeatsAreSold:
    """The seats were free when the request began, but not once it holds the lock."""

    def outcome(self, event: Event, joins: Joins) -> Any:
        (outcome,) = during(lambda: book(event, quantity=4), booking_of(event, quantity=2, joins=joins))
        return outcome

    @pytest.mark.parametrize(
        ("joins", "outcome"),
        [
            (Joins.ALWAYS, "waiting"),
            (Joins.NEVER, services.NotEnoughLeft),
            (Joins.WHEN_SOLD_OUT, services.NotEnoughLeft),
        ],
    )
    def test_waits_or_is_refused(self, event: Event, joins: Joins, outcome: Any) -> None:
        assert self.outcome(event, joins) == outcome
        assert faults() == []

    def test_constraint_alone_prevents_overselling(self, event: Event, without_lock: None) -> None:
        assert self.outcome(event, Joins.ALWAYS) == "inventory_seats_fit"

    def test_oversells_without_lock_and_constraints(
        self, event: Event, without_lock: None, without_checks: None
    ) -> None:
        assert self.outcome(event, Joins.ALWAYS) == "confirmed"
        assert sold(event) == 6


class TestBookingWhileSeatsAreFreed:
    """No seats were free when the request began, but some are once it holds the lock."""

    def outcome(self, event: Event) -> Any:
        booking = book(event, quantity=5)
        (outcome,) = during(
            lambda: services.cancel(booking_id=booking.pk, by=booking.user, seats=2), booking_of(event, quantity=2)
        )
        return outcome

    def test_is_confirmed(self, event: Event) -> None:
        assert self.outcome(event) == "confirmed"

    def test_trigger_alone_confirms_it(self, event: Event, without_lock: None) -> None:
        # Inserted as waiting, then promoted by the trigger.
        assert self.outcome(event) == "waiting"
        assert sold(event) == 5
        assert faults() == []


class TestNewcomersDuringPromotion:
    def test_do_not_jump_the_queue(self, event: Event) -> None:
        book(event, quantity=5)
        queue = [book(event, quantity=quantity) for quantity in (2, 3)]

        outcomes = during(change(event, capacity=8), *[booking_of(event)] * 5)

        assert outcomes == ["waiting"] * 5
        assert list(Booking.objects.queue()[:1]) == queue[1:]
        assert faults() == []

    def test_jump_the_queue_without_the_lock(self, event: Event, without_lock: None) -> None:
        book(event, quantity=4)

        outcomes = during(lambda: book(event, quantity=2), *[booking_of(event)] * 3)

        # All of them saw a free seat and nobody waiting.
        assert Counter(outcomes) == {"confirmed": 1, "inventory_seats_fit": 2}
        assert {fault.fault for fault in faults()} == {"passed"}


class TestBookingWhileTheEventChanges:
    """The event changes between the start of the request and its lock."""

    def outcomes(self, event: Event, held: Callable[[], Any], **more: Any) -> list[Any]:
        """Return the outcome on its own and within a transaction."""

        def in_a_transaction() -> Any:
            with transaction.atomic():
                return booking_of(event, **more)()

        return during(held, booking_of(event, **more), in_a_transaction)

    def test_is_refused_if_the_event_is_cancelled(self, event: Event) -> None:
        assert self.outcomes(event, cancelling_event(event)) == [services.EventCancelled] * 2
        assert not Booking.objects.exists()

    def test_is_refused_if_psql_cancels_the_event(self, event: Event) -> None:
        outcomes = self.outcomes(event, lambda: psql("UPDATE events_event SET status = 'cancelled'"))

        assert outcomes == [services.EventCancelled] * 2

    def test_succeeds_if_events_book_does_not_look_again(self, event: Event) -> None:
        with replaced("events_book", ("AND event.status = 'published'", "")):
            assert self.outcomes(event, cancelling_event(event)) == ["confirmed"] * 2
        assert "live_in_unpublished" in {fault.fault for fault in faults()}

    def test_is_404_if_the_event_is_withdrawn(self, event: Event, admin: User) -> None:
        outcomes = self.outcomes(event, lambda: services.withdraw(event_id=event.pk, by=admin, at=timezone.now()))

        assert outcomes == [services.EventNotFound] * 2

    def test_is_404_if_the_event_is_deleted(self, event: Event, admin: User) -> None:
        assert self.outcomes(event, lambda: services.delete(event_id=event.pk, by=admin)) == (
            [services.EventNotFound] * 2
        )

    def test_is_404_if_the_event_becomes_a_draft_except_for_admins(self, event: Event, admin: User) -> None:
        outcomes = during(change(event, status="draft"), booking_of(event), booking_of(event, admin))

        assert outcomes == [services.EventNotFound, services.EventNotPublished]

    def test_is_refused_if_capacity_drops_below_it(self, event: Event) -> None:
        assert self.outcomes(event, change(event, capacity=2), quantity=3) == [services.MoreThanCapacity] * 2

    def test_keeps_the_price_from_before(self, event: Event) -> None:
        assert self.outcomes(event, change(event, price=30)) == ["confirmed"] * 2
        assert set(Booking.objects.values_list("unit_price", flat=True)) == {25}


class TestChangesDuringABooking:
    def test_cannot_take_its_seats(self, event: Event) -> None:
        (outcome,) = during(lambda: book(event, quantity=3), change(event, capacity=2))

        assert outcome is services.CapacityBelowSold

    def test_constraint_alone_protects_its_seats(self, event: Event, without_lock: None) -> None:
        def shrink() -> Any:
            try:
                return change(event, capacity=2)()
            except IntegrityError as error:
                return violated(error)

        (outcome,) = during(lambda: book(event, quantity=3), shrink)

        assert outcome == "inventory_seats_fit"

    @pytest.mark.parametrize("by_psql", [False, True])
    def test_cancel_it_with_the_event(self, event: Event, by_psql: bool) -> None:
        def cancel() -> None:
            psql("UPDATE events_event SET status = 'cancelled'")

        during(lambda: book(event), cancel if by_psql else cancelling_event(event))

        assert Booking.objects.get().status == "cancelled"
        assert faults() == []

    def test_cannot_make_the_event_a_draft(self, event: Event) -> None:
        (outcome,) = during(lambda: book(event), change(event, status="draft"))

        assert outcome is services.EventHasBookings

    def test_cannot_delete_the_event(self, event: Event, admin: User) -> None:
        (outcome,) = during(lambda: book(event), lambda: services.delete(event_id=event.pk, by=admin))

        assert outcome is services.EventHasBookings

    def test_do_not_wait_for_the_deactivation_of_its_user(self, event: Event, admin: User, owner: User) -> None:
        (outcome,) = during(deactivating(owner, by=admin), booking_of(event, owner))

        assert outcome == "confirmed"


class TestEightCancellationsOfOneSeat:
    def outcomes(self, event: Event, booking: Booking) -> Counter[Any]:
        def call() -> str:
            services.cancel(booking_id=booking.pk, by=booking.user, seats=1)
            return "done"

        return Counter(during(hold(event), *[call] * 8))

    def test_frees_each_seat_once(self, event: Event) -> None:
        booking = book(event, quantity=5)

        assert self.outcomes(event, booking) == {"done": 5, services.AlreadyCancelled: 3}
        assert sold(event) == 0
        assert faults() == []

    def test_loses_updates_without_the_lock(self, event: Event, without_lock: None) -> None:
        booking = book(event, quantity=5)

        assert self.outcomes(event, booking) == {"done": 8}
        assert sold(event) > 0
        # The responses were wrong, but inventory and ledger follow the rows.
        assert faults() == []


class TestHolderAndHeadCancelTogether:
    """The seats must go to the booking behind both."""

    def rounds(self, event: Event, number: int) -> None:
        for _ in range(number):
            holder, head = book(event, quantity=5), book(event, quantity=5)
            last = book(event, quantity=5)

            together(cancelling_booking(holder), cancelling_booking(head))

            last.refresh_from_db()
            assert last.status == "confirmed"
            services.cancel(booking_id=last.pk, by=last.user)

    def test_never_deadlocks(self, event: Event) -> None:
        self.rounds(event, 25)

        assert faults() == []

    def test_deadlocks_without_the_lock(self, event: Event, without_lock: None) -> None:
        with pytest.raises(OperationalError, match="deadlock detected"):
            self.rounds(event, 400)


class TestEverybodyCancels:
    def test_promotes_in_order(self, event: Event) -> None:
        holders = [book(event) for _ in range(5)]
        queue = [book(event) for _ in range(12)]
        leavers = [*holders, *queue[:7:2]]

        during(
            hold(event),
            *(cancelling_booking(booking) for booking in leavers),
        )

        stayed = [booking for booking in queue if booking not in leavers]
        assert list(Booking.objects.filter(status="confirmed").order_by("id")) == stayed[:5]
        assert list(Booking.objects.queue()) == stayed[5:]
        assert faults() == []


class TestEightGuestBookingsFromOneAddress:
    def outcomes(self, event: Event) -> Counter[Any]:
        emails = (GUEST.email, GUEST.email.upper())
        calls = [lambda email=email: book(event, guest=replace(GUEST, email=email)).status for email in emails * 4]
        return Counter(during(hold(event), *calls))

    @pytest.fixture
    def capacity(self) -> int:
        return 6

    @pytest.fixture(autouse=True)
    def limit(self, settings: Any) -> None:
        settings.MAX_GUEST_BOOKINGS = 3

    def test_stop_at_the_limit(self, event: Event) -> None:
        assert self.outcomes(event) == {"confirmed": 3, services.TooManyGuestBookings: 5}
        assert faults() == []

    def test_stop_at_the_limit_on_the_waiting_list(self, event: Event) -> None:
        book(event, quantity=6)

        assert self.outcomes(event) == {"waiting": 3, services.TooManyGuestBookings: 5}

    def test_exceed_it_without_the_second_count(self, event: Event) -> None:
        with replaced("events_book", (SECOND_COUNT, "IF false THEN")):
            assert self.outcomes(event) == {"confirmed": 6, services.TooManyGuestBookings: 2}


class TestDeactivationDuringABooking:
    """The user joins the waiting list while they are deactivated. Neither transaction sees the other's change."""

    @pytest.fixture
    def sold_out(self, event: Event) -> Event:
        book(event, quantity=5)
        return event

    def test_cancels_the_booking_if_it_comes_second(self, sold_out: Event, owner: User, admin: User) -> None:
        during(lambda: book(sold_out, owner), deactivating(owner, by=admin))

        assert [booking.status for booking in owner.bookings.all()] == ["cancelled"]
        assert faults() == []

    @pytest.mark.parametrize("key", [None, Key(bytes(32), b"body")])
    def test_prevents_the_booking_if_it_comes_first(
        self, sold_out: Event, owner: User, admin: User, key: Key | None
    ) -> None:
        (outcome,) = during(deactivating(owner, by=admin), lambda: book(sold_out, owner, key=key))

        assert outcome is services.UserDeactivated
        assert not owner.bookings.exists()
        assert faults() == []

    def test_leaves_a_waiting_booking_without_the_lock(self, sold_out: Event, owner: User, admin: User) -> None:
        ((function,),) = psql("SELECT proname FROM pg_proc WHERE proname LIKE 'pgtrigger_enter_new_%%'")

        with replaced(function, ("FOR SHARE", "")):
            during(lambda: book(sold_out, owner), deactivating(owner, by=admin))

        assert [booking.status for booking in owner.bookings.all()] == ["waiting"]
        assert [fault.fault for fault in faults()] == ["waiting_of_deactivated"]


class TestSeatsAreFreedWhileBookingsOpenAgain:
    """psql opens bookings again without the inventory's lock. Neither transaction sees the other's change."""

    OPEN = "UPDATE events_event SET bookings_close_at = NULL"

    @pytest.fixture
    def closed(self, admin: User) -> Event:
        event = make_event(admin, capacity=1)
        book(event)
        book(event)
        psql("UPDATE events_event SET bookings_close_at = now() - interval '1 hour'")
        return event

    def statuses(self, event: Event) -> list[str]:
        return list(event.bookings.order_by("id").values_list("status", flat=True))

    def test_promotes_when_they_open_second(self, closed: Event, admin: User) -> None:
        held = closed.bookings.order_by("id")[0]

        during(lambda: services.cancel(booking_id=held.pk, by=admin), lambda: psql(self.OPEN))

        assert self.statuses(closed) == ["cancelled", "confirmed"]
        assert faults() == []

    def test_promotes_when_they_open_first(self, closed: Event, admin: User) -> None:
        held = closed.bookings.order_by("id")[0]

        during(lambda: psql(self.OPEN), lambda: services.cancel(booking_id=held.pk, by=admin))

        assert self.statuses(closed) == ["cancelled", "confirmed"]
        assert faults() == []

    def test_leaves_the_seat_free_without_the_trigger(self, closed: Event, admin: User) -> None:
        held = closed.bookings.order_by("id")[0]

        pgtrigger.installation.disable("events.Event:promote_again")
        try:
            during(lambda: services.cancel(booking_id=held.pk, by=admin), lambda: psql(self.OPEN))
        finally:
            pgtrigger.installation.enable("events.Event:promote_again")

        assert self.statuses(closed) == ["cancelled", "waiting"]
        assert [fault.fault for fault in faults()] == ["room_for_waiting"]


class TestTwoPromotionsByHand:
    """Two admins promote at once, and only one seat is left."""

    @pytest.fixture
    def waits(self, admin: User) -> list[Booking]:
        event = make_event(admin, capacity=1)
        held, *waits = [book(event) for _ in range(3)]
        psql("UPDATE events_event SET bookings_close_at = now() - interval '1 hour'")
        services.cancel(booking_id=held.pk, by=admin)
        return waits

    def outcomes(self, waits: list[Booking], admin: User) -> Counter[Any]:
        calls = [promoting(booking, by=admin) for booking in waits]
        return Counter(during(hold(waits[0].event), *calls))

    def test_only_one_succeeds(self, waits: list[Booking], admin: User) -> None:
        assert self.outcomes(waits, admin) == {"confirmed": 1, services.NotEnoughLeft: 1}
        assert faults() == []

    def test_constraint_alone_prevents_overselling(self, waits: list[Booking], admin: User, without_lock: None) -> None:
        assert self.outcomes(waits, admin) == {"confirmed": 1, "inventory_seats_fit": 1}
        assert faults() == []


class TestEverythingAtOnce:
    """Bookings, cancellations, changes, deactivations and cancelling the event. A deadlock would raise here."""

    def test_never_deadlocks(self, admin: User) -> None:
        for _ in range(8):
            event = make_event(admin, capacity=5)
            holders = [book(event, quantity=quantity) for quantity in (2, 3, 1, 4, 1)]

            outcomes = together(
                *(cancelling_booking(booking) for booking in holders[::2]),
                *(deactivating(booking.user, by=admin) for booking in holders[:2] if booking.user),
                *[booking_of(event)] * 3,
                change(event, capacity=8, price=30),
                change(event, withheld=1),
                cancelling_event(event),
            )

            refusals = {services.EventCancelled, services.AlreadyCancelled, services.CapacityBelowSold}
            assert {outcome for outcome in outcomes if isinstance(outcome, type)} <= refusals
            assert not Booking.objects.live().filter(event=event).exists()
        assert faults() == []


class TestPsqlAlongsideTheServices:
    def outcome(self, event: Event) -> str:
        """Shrink a waiting booking in psql while a service frees seats. Neither sees the other's change."""
        holder, waits = book(event, quantity=5), book(event, quantity=3)

        during(
            lambda: psql("UPDATE events_booking SET cancelled = 1 WHERE id = %(id)s", id=waits.pk),
            lambda: services.cancel(booking_id=holder.pk, by=holder.user, seats=2),
        )

        return Booking.objects.get(pk=waits.pk).status

    def test_leaves_nobody_waiting_for_free_seats(self, event: Event) -> None:
        assert self.outcome(event) == "confirmed"
        assert faults() == []

    def test_leaves_somebody_waiting_if_promoting_does_not_lock(
        self, event: Event, promoting_without_lock: None
    ) -> None:
        assert self.outcome(event) == "waiting"
        assert [fault.fault for fault in faults()] == ["room_for_waiting"]

    def test_one_of_two_gives_way_when_they_lock_in_opposite_order(self, event: Event) -> None:
        booking = book(event)
        cancel = "UPDATE events_booking SET cancelled = 1, status = 'cancelled' WHERE id = %(id)s"

        def cancel_event() -> Any:
            try:
                return cancelling_event(event)().status
            except OperationalError as error:
                return describe(error).status

        with ThreadPoolExecutor(1) as pool, suppress(DeadlockDetected), transaction.atomic():
            psql("SELECT FROM events_booking WHERE id = %(id)s FOR UPDATE", id=booking.pk)
            cancelled = pool.submit(apart, cancel_event)
            until_all_wait([cancelled])
            psql(cancel, id=booking.pk)

        assert cancelled.result() in ("cancelled", 503)
        booking.refresh_from_db()
        assert booking.status == "cancelled"
        assert faults() == []


class TestLockTimeout:
    def test_is_503(self, event: Event) -> None:
        def book_with_timeout() -> Any:
            psql("SET lock_timeout = '50ms'")
            try:
                return booking_of(event)()
            except OperationalError as error:
                return describe(error)

        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            hold(event)()
            problem = pool.submit(apart, book_with_timeout).result()

        assert (problem.status, problem.headers) == (503, {"Retry-After": "1"})
        assert not Booking.objects.exists()
