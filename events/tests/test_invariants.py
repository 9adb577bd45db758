"""A state machine that compares PostgreSQL with a model in plain Python, whatever happens in whatever order."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts import services as accounts
from accounts.models import UserType
from accounts.tests.factories import make_user
from events import services
from events.models import Booking
from events.services import Joins
from events.tests.books import faults
from events.tests.factories import GUEST, book, make_event, make_guest
from kit.errors import Invalid, Refused
from kit.idempotency.keys import Key, KeyReused
from notifications.models import Delivery, Kind
from notifications.services import announce_bookings
from projects.tests.psql import psql

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.slow]

SMALL = st.integers(1, 3)
MAX_GUEST_BOOKINGS = 2
# Somebody in the crowd: a guest with an address that no other guest has.
NEW_GUEST = -1
HOUR = timedelta(hours=1)
# Holder (the number of a person, NEW_GUEST, or None for GUEST), quantity, and when to join the waiting list.
Request = tuple[int | None, int, Joins]


def response_of(booking: Booking) -> dict[str, Any]:
    """Return what the response says about a new booking."""
    return {
        name: getattr(booking, name)
        for name in ("pk", "status", "ahead", "quantity", "cancelled", "unit_price", "created_at")
    }


# Compared by identity: two guests may have equal bookings.
@dataclass(eq=False)
class ModelBooking:
    """A booking in the model."""

    holder: int | None
    left: int
    status: str
    announced: list[str] = field(default_factory=list)

    def become(self, status: str, announced: str) -> None:
        self.status = status
        self.announced.append(announced)


@dataclass
class ModelEvent:
    """The rules in plain Python: a list of bookings in the order in which they were made."""

    capacity: int
    withheld: int
    is_cancelled: bool = False
    is_open: bool = True
    has_started: bool = False
    bookings: list[ModelBooking] = field(default_factory=list)

    @property
    def free(self) -> int:
        return self.for_sale - sum(booking.left for booking in self.bookings if booking.status == "confirmed")

    @property
    def for_sale(self) -> int:
        return self.capacity - self.withheld

    @property
    def queue(self) -> list[ModelBooking]:
        return [booking for booking in self.bookings if booking.status == "waiting"]

    def book(self, holder: int | None, quantity: int, joins: Joins) -> type[Refused] | None:
        if self.is_cancelled:
            return services.EventCancelled
        if not self.is_open:
            return services.BookingsClosed
        if quantity > self.capacity:
            return services.MoreThanCapacity
        live = [booking for booking in self.bookings if booking.holder == holder and booking.status != "cancelled"]
        if live and holder not in (None, NEW_GUEST):
            return services.AlreadyWaiting if live[0].status == "waiting" else services.AlreadyBooked
        fits = not self.queue and quantity <= self.free
        may_wait = joins == Joins.ALWAYS or (joins == Joins.WHEN_SOLD_OUT and (self.queue or not self.free))
        if not fits and not may_wait:
            return services.NotEnoughLeft
        if holder is None and len(live) == MAX_GUEST_BOOKINGS:
            return services.TooManyGuestBookings
        if fits:
            self.bookings.append(ModelBooking(holder, quantity, "confirmed", ["booking-confirmed"]))
            return None
        self.bookings.append(ModelBooking(holder, quantity, "waiting", ["booking-waiting"]))
        return None

    def cancel(self, booking: ModelBooking, seats: int | None) -> type[Refused] | None:
        if booking.status == "cancelled":
            return services.AlreadyCancelled
        seats = booking.left if seats is None else seats
        if seats > booking.left:
            return services.MoreThanBooked
        booking.left -= seats
        booking.become(booking.status if booking.left else "cancelled", "booking-cancelled")
        self.promote()
        return None

    def resize(self, capacity: int, withheld: int) -> type[Refused] | None:
        sold = self.for_sale - self.free
        if self.is_cancelled:
            return services.EventCancelled
        if withheld > capacity:
            return Invalid
        if capacity - withheld < sold:
            return services.CapacityBelowSold
        if capacity < max((booking.left for booking in self.queue), default=0):
            return services.CapacityBelowWaiting
        self.capacity, self.withheld = capacity, withheld
        self.promote()
        return None

    def close(self) -> type[Refused] | None:
        if self.is_cancelled:
            return services.EventCancelled
        self.is_cancelled = True
        for booking in self.bookings:
            if booking.status != "cancelled":
                booking.left = 0
                booking.become("cancelled", "event-cancelled")
        return None

    def schedule(self, *, is_open: bool, has_started: bool) -> type[Refused] | None:
        if self.is_cancelled:
            return services.EventCancelled
        self.is_open, self.has_started = is_open, has_started
        self.promote()
        return None

    def promote_by_hand(self, booking: ModelBooking) -> type[Refused] | None:
        if booking.status != "waiting":
            return services.NotWaiting
        if booking.left > self.free:
            return services.NotEnoughLeft
        booking.become("confirmed", "booking-promoted")
        return None

    def deactivate(self, holder: int) -> None:
        for booking in self.queue:
            if booking.holder == holder:
                # Nobody is told.
                booking.left, booking.status = 0, "cancelled"
                self.promote()

    def promote(self) -> None:
        if not self.is_open or self.has_started:
            return
        for booking in self.queue:
            if booking.left > self.free:
                break
            booking.become("confirmed", "booking-promoted")


class BoxOffice(RuleBasedStateMachine):
    """Every rule does the same to the model and to the database, and compares the outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.rolled_back = transaction.atomic()
        self.rolled_back.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.rolled_back.__exit__(None, None, None)

    @initialize(capacity=st.integers(3, 8), withheld=st.integers(0, 2), crowd=st.lists(SMALL, min_size=3, max_size=8))
    def open(self, capacity: int, withheld: int, crowd: list[int]) -> None:
        self.model = ModelEvent(capacity, withheld)
        self.people = [make_user() for _ in range(4)]
        self.admin = make_user(type=UserType.ADMIN)
        self.event = make_event(self.admin, capacity=capacity, withheld=withheld)
        self.bookings: list[Booking] = []
        # By idempotency key: the request and what the response said.
        self.responses: dict[int, tuple[Request, Any]] = {}
        # Usually enough for a waiting list from the start.
        for quantity in crowd:
            self.book(NEW_GUEST, quantity, Joins.ALWAYS, None)

    def attempt(self, expected: type[Refused] | None, call: Any) -> Any:
        """Make the call, which must be refused exactly as in the model."""
        if expected:
            with pytest.raises(expected) as refusal:
                call()
            assert refusal.type is expected
            return None
        result = call()
        if isinstance(result, Booking) and result not in self.bookings:
            self.bookings.append(result)
        return result

    @rule(
        holder=st.none() | st.integers(NEW_GUEST, 3),
        quantity=SMALL,
        joins=st.sampled_from(Joins),
        number=st.none() | st.integers(0, 2),
    )
    def book(self, holder: int | None, quantity: int, joins: Joins, number: int | None) -> None:
        self.book_under(number, (holder, quantity, joins))

    @precondition(lambda self: self.responses)
    @rule(data=st.data())
    def book_again(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.responses)))

        self.book_under(number, self.responses[number][0])

    def book_under(self, number: int | None, request: Request) -> None:
        """Book with the idempotency key of that number, if any."""
        holder, quantity, joins = request
        guests = {None: GUEST, NEW_GUEST: make_guest()}
        who: dict[str, Any] = {"guest": guests[holder]} if holder in guests else {"user": self.people[holder or 0]}
        key = None if number is None else Key(bytes([number]) * 32, repr(request).encode())

        def call() -> Booking:
            return book(self.event, quantity=quantity, joins=joins, key=key, **who)

        if number not in self.responses:
            booking = self.attempt(self.model.book(*request), call)
            if booking and number is not None:
                self.responses[number] = request, response_of(booking)
            return
        first_request, first = self.responses[number]
        if request != first_request:
            self.attempt(KeyReused, call)
            return
        # Even if the booking has changed since.
        again = call()
        assert again.is_repeated
        assert response_of(again) == first

    @precondition(lambda self: self.bookings)
    @rule(data=st.data(), seats=st.none() | SMALL)
    def cancel(self, data: st.DataObject, seats: int | None) -> None:
        number = data.draw(st.integers(0, len(self.bookings) - 1))

        self.attempt(
            self.model.cancel(self.model.bookings[number], seats),
            lambda: services.cancel(booking_id=self.bookings[number].pk, by=self.admin, seats=seats),
        )

    @precondition(lambda self: self.bookings)
    @rule(data=st.data())
    def cancel_by_sql(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.bookings) - 1))
        expected = self.model.bookings[number]
        if self.model.cancel(expected, 1) is None:
            psql(
                "UPDATE events_booking SET cancelled = cancelled + 1,"
                " status = CASE WHEN cancelled + 1 = quantity THEN 'cancelled' ELSE status END WHERE id = %(id)s",
                id=self.bookings[number].pk,
            )

    @rule(more=st.integers(-3, 4), withheld=st.integers(0, 3))
    def resize(self, more: int, withheld: int) -> None:
        capacity = max(1, self.model.capacity + more)

        self.attempt(
            self.model.resize(capacity, withheld),
            lambda: services.update(
                event_id=self.event.pk, by=self.admin, at=timezone.now(), capacity=capacity, withheld=withheld
            ),
        )

    @rule(closes=st.sampled_from([None, -2, 2]), starts=st.sampled_from([-1, 1]))
    def schedule(self, closes: int | None, starts: int) -> None:
        at = timezone.now()

        self.attempt(
            self.model.schedule(is_open=closes != -2, has_started=closes is not None and starts < 0),
            lambda: services.update(
                event_id=self.event.pk,
                by=self.admin,
                at=at,
                bookings_close_at=None if closes is None else at + closes * HOUR,
                starts_at=at + starts * HOUR,
            ),
        )

    @precondition(lambda self: self.bookings)
    @rule(data=st.data())
    def promote_by_hand(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.bookings) - 1))

        self.attempt(
            self.model.promote_by_hand(self.model.bookings[number]),
            lambda: services.promote(booking_id=self.bookings[number].pk, by=self.admin),
        )

    @rule(holder=st.integers(0, 3))
    def deactivate_and_reactivate(self, holder: int) -> None:
        self.model.deactivate(holder)

        for is_active in (False, True):
            accounts.update(user_id=self.people[holder].pk, by=self.admin, is_active=is_active)

    @rule(sure=st.integers(0, 5))
    def close(self, sure: int) -> None:
        # Rare, because nothing can happen afterwards.
        if sure == 5:
            self.attempt(
                self.model.close(),
                lambda: services.cancel_event(event_id=self.event.pk, by=self.admin, at=timezone.now()),
            )

    @invariant()
    def bookings_match_the_model(self) -> None:
        rows = {booking.pk: booking for booking in Booking.objects.with_position()}
        queue = self.model.queue
        assert [
            (rows[booking.pk].status, rows[booking.pk].left, rows[booking.pk].ahead) for booking in self.bookings
        ] == [
            (expected.status, expected.left, queue.index(expected) if expected in queue else None)
            for expected in self.model.bookings
        ]
        assert len(rows) == len(self.bookings)

    @invariant()
    def nothing_is_oversold(self) -> None:
        inventory = self.event.inventory
        inventory.refresh_from_db()
        assert 0 <= inventory.confirmed <= inventory.capacity - inventory.withheld
        assert (inventory.available, inventory.waiting) == (self.model.free, len(self.model.queue))

    @invariant()
    def there_are_no_faults(self) -> None:
        assert faults() == []

    @invariant()
    def each_step_is_announced_once(self) -> None:
        # Mail about a new start is tested elsewhere.
        announce_bookings()
        steps = Delivery.objects.exclude(kind=Kind.EVENT_CHANGED)
        announced = Counter(steps.values_list("booking_id", "kind"))
        assert announced == Counter(
            (booking.pk, kind)
            for booking, expected in zip(self.bookings, self.model.bookings, strict=True)
            for kind in expected.announced
        )
        assert steps.values("about").distinct().count() == announced.total()


class TestBoxOffice:
    def test_matches_the_model(self, settings: Any) -> None:
        settings.MAX_GUEST_BOOKINGS = MAX_GUEST_BOOKINGS
        run_state_machine_as_test(
            BoxOffice,
            settings=hypothesis.settings(
                max_examples=20,
                stateful_step_count=20,
                phases=(Phase.reuse, Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            ),
        )
