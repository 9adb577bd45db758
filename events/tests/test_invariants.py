"""Whatever is done in whatever order: PostgreSQL and a model in plain Python give the same seats to the same people."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import UserType
from accounts.tests.factories import make_user
from events import services
from events.models import Booking
from events.services import Joins
from events.tests.books import faults
from events.tests.factories import GUEST, book, make_event
from kit.errors import Invalid, Refused
from kit.idempotency.keys import Key, KeyReused
from notifications.models import Delivery
from projects.tests.psql import psql

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SMALL = st.integers(1, 3)
# Of whom, for how many, and when they would wait.
Wish = tuple[int | None, int, Joins]


def facts(booking: Booking) -> dict[str, Any]:
    """What is told of a booking that was made."""
    return {
        name: getattr(booking, name)
        for name in ("pk", "status", "ahead", "quantity", "cancelled", "unit_price", "created_at")
    }


# Two guests who ask for the same are two.
@dataclass(eq=False)
class Party:
    """A booking, as the model knows it."""

    holder: int | None
    left: int
    status: str
    told: list[str] = field(default_factory=list)

    def become(self, status: str, told: str) -> None:
        self.status = status
        self.told.append(told)


@dataclass
class House:
    """The rules of DESIGN, once more: a list of parties in the order in which they came."""

    capacity: int
    withheld: int
    is_cancelled: bool = False
    parties: list[Party] = field(default_factory=list)

    @property
    def free(self) -> int:
        return self.for_sale - sum(party.left for party in self.parties if party.status == "confirmed")

    @property
    def for_sale(self) -> int:
        return self.capacity - self.withheld

    @property
    def queue(self) -> list[Party]:
        return [party for party in self.parties if party.status == "waiting"]

    def book(self, holder: int | None, quantity: int, joins: Joins) -> type[Refused] | None:
        if self.is_cancelled:
            return services.EventCancelled
        if quantity > self.for_sale:
            return services.MoreThanForSale
        for party in self.parties:
            if holder is not None and party.holder == holder and party.status != "cancelled":
                return services.AlreadyWaiting if party.status == "waiting" else services.AlreadyBooked
        if not self.queue and quantity <= self.free:
            self.parties.append(Party(holder, quantity, "confirmed", ["booking-confirmed"]))
            return None
        if joins == Joins.NEVER or (joins == Joins.WHEN_SOLD_OUT and not self.queue and self.free):
            return services.NotEnoughLeft
        self.parties.append(Party(holder, quantity, "waiting", ["booking-waiting"]))
        return None

    def cancel(self, party: Party, seats: int | None) -> type[Refused] | None:
        if party.status == "cancelled":
            return services.AlreadyCancelled
        seats = party.left if seats is None else seats
        if seats > party.left:
            return services.MoreThanBooked
        party.left -= seats
        party.become(party.status if party.left else "cancelled", "booking-cancelled")
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
        if capacity - withheld < max((party.left for party in self.queue), default=0):
            return services.CapacityBelowWaiting
        self.capacity, self.withheld = capacity, withheld
        self.promote()
        return None

    def close(self) -> type[Refused] | None:
        if self.is_cancelled:
            return services.EventCancelled
        self.is_cancelled = True
        for party in self.parties:
            if party.status != "cancelled":
                party.left = 0
                party.become("cancelled", "event-cancelled")
        return None

    def promote(self) -> None:
        for party in self.queue:
            if party.left > self.free:
                break
            party.become("confirmed", "booking-promoted")


class BoxOffice(RuleBasedStateMachine):
    """Every rule does the same to the house and to the database, and finds both of one mind."""

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    @initialize(capacity=st.integers(3, 8), withheld=st.integers(0, 2), crowd=st.lists(SMALL, min_size=3, max_size=8))
    def open(self, capacity: int, withheld: int, crowd: list[int]) -> None:
        self.house = House(capacity, withheld)
        self.people = [make_user() for _ in range(4)]
        self.admin = make_user(type=UserType.ADMIN)
        self.event = make_event(self.admin, capacity=capacity, withheld=withheld)
        self.bookings: list[Booking] = []
        # Of each key that was used, the wish and what was told of it.
        self.told: dict[int, tuple[Wish, Any]] = {}
        # There is a queue from the beginning, most of the time.
        for quantity in crowd:
            self.book(None, quantity, Joins.ALWAYS, None)

    def attempt(self, expected: type[Refused] | None, call: Any) -> Any:
        """Make the call; it is refused exactly as the house refuses."""
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
        holder=st.none() | st.integers(0, 3),
        quantity=SMALL,
        joins=st.sampled_from(Joins),
        number=st.none() | st.integers(0, 2),
    )
    def book(self, holder: int | None, quantity: int, joins: Joins, number: int | None) -> None:
        self.book_under(number, (holder, quantity, joins))

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def book_again(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.told)))

        self.book_under(number, self.told[number][0])

    def book_under(self, number: int | None, wish: Wish) -> None:
        """Under a key of that number, if any."""
        holder, quantity, joins = wish
        who: dict[str, Any] = {"guest": GUEST} if holder is None else {"user": self.people[holder]}
        key = None if number is None else Key(bytes([number]) * 32, repr(wish).encode())

        def call() -> Booking:
            return book(self.event, quantity=quantity, joins=joins, key=key, **who)

        if number not in self.told:
            booking = self.attempt(self.house.book(*wish), call)
            if booking and number is not None:
                self.told[number] = wish, facts(booking)
            return
        first_wish, first = self.told[number]
        if wish != first_wish:
            self.attempt(KeyReused, call)
            return
        # Whatever has become of it since.
        again = call()
        assert again.is_repeated
        assert facts(again) == first

    @precondition(lambda self: self.bookings)
    @rule(data=st.data(), seats=st.none() | SMALL)
    def cancel(self, data: st.DataObject, seats: int | None) -> None:
        number = data.draw(st.integers(0, len(self.bookings) - 1))

        self.attempt(
            self.house.cancel(self.house.parties[number], seats),
            lambda: services.cancel(booking_id=self.bookings[number].pk, by=self.admin, seats=seats),
        )

    @precondition(lambda self: self.bookings)
    @rule(data=st.data())
    def cancel_by_sql(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.bookings) - 1))
        party = self.house.parties[number]
        if self.house.cancel(party, 1) is None:
            psql(
                "UPDATE events_booking SET cancelled = cancelled + 1,"
                " status = CASE WHEN cancelled + 1 = quantity THEN 'cancelled' ELSE status END WHERE id = %(id)s",
                id=self.bookings[number].pk,
            )

    @rule(more=st.integers(-3, 4), withheld=st.integers(0, 3))
    def resize(self, more: int, withheld: int) -> None:
        capacity = max(1, self.house.capacity + more)

        self.attempt(
            self.house.resize(capacity, withheld),
            lambda: services.update(
                event_id=self.event.pk, by=self.admin, at=timezone.now(), capacity=capacity, withheld=withheld
            ),
        )

    @rule(sure=st.integers(0, 5))
    def close(self, sure: int) -> None:
        # Not too often: afterwards nothing happens any more.
        if sure == 5:
            self.attempt(
                self.house.close(),
                lambda: services.cancel_event(event_id=self.event.pk, by=self.admin, at=timezone.now()),
            )

    @invariant()
    def all_have_what_the_house_gave_them(self) -> None:
        rows = {booking.pk: booking for booking in Booking.objects.with_position()}
        queue = self.house.queue
        assert [
            (rows[booking.pk].status, rows[booking.pk].left, rows[booking.pk].ahead) for booking in self.bookings
        ] == [
            (party.status, party.left, queue.index(party) if party in queue else None) for party in self.house.parties
        ]
        assert len(rows) == len(self.bookings)

    @invariant()
    def nothing_is_oversold(self) -> None:
        inventory = self.event.inventory
        inventory.refresh_from_db()
        assert 0 <= inventory.confirmed <= inventory.capacity - inventory.withheld
        assert (inventory.available, inventory.waiting) == (self.house.free, len(self.house.queue))

    @invariant()
    def the_books_add_up(self) -> None:
        assert faults() == []

    @invariant()
    def each_is_told_once_of_each_step(self) -> None:
        told = Counter(Delivery.objects.values_list("booking_id", "kind"))
        assert told == Counter(
            (booking.pk, kind)
            for booking, party in zip(self.bookings, self.house.parties, strict=True)
            for kind in party.told
        )
        assert Delivery.objects.values("about").distinct().count() == told.total()


class TestBoxOffice:
    def test_is_the_model_whatever_happens(self) -> None:
        run_state_machine_as_test(
            BoxOffice,
            settings=settings(
                max_examples=20,
                stateful_step_count=20,
                phases=(Phase.reuse, Phase.generate, Phase.shrink),
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
