"""Booking, cancelling and changing events: who gets which seats."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import Booking, BookingStatus, Event
from events.services.bookings import REFUSALS
from events.tests.factories import GUEST, Joins, book, make_event
from kit.db import sql
from kit.errors import Forbidden, Invalid, Refused
from kit.idempotency.keys import Key
from kit.idempotency.models import IdempotencyKey
from notifications.models import Delivery, Kind
from notifications.services import announce_bookings
from projects.tests.psql import psql


def state(*bookings: Booking) -> list[tuple[str, int]]:
    """Return the status and the seats left of each booking."""
    for booking in bookings:
        booking.refresh_from_db()
    return [(booking.status, booking.left) for booking in bookings]


def seats(event: Event) -> tuple[int, int, int]:
    """Return seats available, seats sold and waiting bookings."""
    event.inventory.refresh_from_db()
    return event.inventory.available, event.inventory.confirmed, event.inventory.waiting


def notifications(booking: Booking) -> list[str]:
    announce_bookings()
    return list(booking.deliveries.order_by("next_attempt_at", "id").values_list("kind", flat=True))


CONFIRMED, WAITING, CANCELLED = BookingStatus.CONFIRMED, BookingStatus.WAITING, BookingStatus.CANCELLED


class TestBook:
    def test_confirms_what_fits(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=10, withheld=2)

        booking = book(event, owner, quantity=8)

        assert state(booking) == [(CONFIRMED, 8)]
        assert seats(event) == (0, 8, 0)
        assert (booking.unit_price, booking.user, booking.ahead) == (25, owner, None)
        entry = booking.entries.get()
        assert (entry.kind, entry.quantity, entry.seats, entry.waiting, entry.amount) == ("confirmed", 8, 8, 0, 200)
        assert notifications(booking) == [Kind.BOOKING_CONFIRMED]

    def test_puts_the_rest_on_the_waiting_list_in_order(self, admin: User) -> None:
        event = make_event(admin, capacity=3)

        first, large, small = book(event, quantity=2), book(event, quantity=2), book(event, quantity=1)

        assert state(first, large, small) == [(CONFIRMED, 2), (WAITING, 2), (WAITING, 1)]
        assert (large.ahead, small.ahead) == (0, 1)
        assert seats(event) == (1, 2, 2)
        assert [delivery.payload["place"] for delivery in Delivery.objects.filter(kind=Kind.BOOKING_WAITING)] == [1, 2]

    @pytest.mark.parametrize("quantity", [11, 2**31, 2**63, 10**30])
    @pytest.mark.parametrize("joins", list(Joins))
    def test_refuses_more_than_the_event_has(self, admin: User, joins: Joins, quantity: int) -> None:
        event = make_event(admin, capacity=10, max_per_booking=None)

        with pytest.raises(services.MoreThanCapacity):
            book(event, quantity=quantity, joins=joins)

    def test_keeps_the_price_at_the_time_of_booking(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        first, second = book(event), book(event)

        services.update(event_id=event.pk, by=admin, at=timezone.now(), price=30, capacity=3)
        third = book(event)

        for booking in (first, second, third):
            booking.refresh_from_db()
        assert [booking.unit_price for booking in (first, second, third)] == [25, 25, 30]
        assert second.entries.get(kind="promoted").amount == 25

    def test_books_for_another_user(self, admin: User, owner: User) -> None:
        event = make_event(admin)

        booking = services.book(event_id=event.pk, quantity=1, by=admin, user=owner, at=timezone.now())

        assert Booking.objects.get().user == booking.user == owner

    def test_lets_guests_book_repeatedly(self, admin: User) -> None:
        event = make_event(admin)

        bookings = [book(event, guest=GUEST) for _ in range(2)]

        assert state(*bookings) == [(CONFIRMED, 1), (CONFIRMED, 1)]
        assert {booking.guest_email for booking in bookings} == {GUEST.email}

    def test_lets_a_user_book_again_after_cancelling(self, admin: User, owner: User) -> None:
        event = make_event(admin)
        services.cancel(booking_id=book(event, owner).pk, by=owner)

        assert state(book(event, owner)) == [(CONFIRMED, 1)]


class TestBookRefuses:
    @pytest.mark.parametrize("has_key", [False, True])
    def test_in_one_statement(
        self, admin: User, owner: User, has_key: bool, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        event = make_event(admin, capacity=1)
        book(event)
        key = Key(bytes(32), b"body") if has_key else None

        with django_assert_num_queries(1), pytest.raises(services.NotEnoughLeft):
            services.book(event_id=event.pk, quantity=1, by=owner, joins=Joins.NEVER, at=timezone.now(), key=key)

        assert not IdempotencyKey.objects.exists()

    @pytest.mark.parametrize(
        ("wanted", "waiting", "message"),
        [
            (5, 0, "This event has only 4 tickets"),
            (3, 0, "A booking can have at most 2 tickets"),
            (2, 0, "Only 1 ticket is left"),
            (1, 1, "1 booking is ahead on the waiting list"),
            (1, 2, "2 bookings are ahead on the waiting list"),
        ],
    )
    def test_with_the_number_that_helps(self, admin: User, wanted: int, waiting: int, message: str) -> None:
        event = make_event(admin, capacity=4, withheld=1, max_per_booking=2)
        book(event, quantity=2)
        for _ in range(waiting):
            book(event, quantity=2)

        with pytest.raises(Refused, match=rf"^{message}$"):
            book(event, quantity=wanted, joins=Joins.NEVER)

    def test_a_sold_out_event(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        book(event)

        with pytest.raises(services.NotEnoughLeft, match=r"^This event is sold out$"):
            book(event, joins=Joins.NEVER)

    def test_in_order(self, admin: User, owner: User) -> None:
        """Everything is wrong at first. Each step corrects what was refused, and meets the next refusal."""
        event = make_event(admin, capacity=3)
        booking = book(event, owner)
        psql("UPDATE events_event SET bookings_close_at = now() - interval '1 hour', max_per_booking = 1")

        def refusal() -> type[Refused]:
            with pytest.raises(Refused) as refused:
                book(event, owner, quantity=4, joins=Joins.NEVER)
            return refused.type

        refusals = [refusal()]
        for correction in (
            "UPDATE events_event SET bookings_close_at = NULL",
            "UPDATE events_inventory SET capacity = 4",
            "UPDATE events_event SET max_per_booking = NULL",
        ):
            psql(correction)
            refusals.append(refusal())
        book(event, admin)
        services.cancel(booking_id=booking.pk, by=owner)
        refusals.append(refusal())

        assert refusals == [
            services.BookingsClosed,
            services.MoreThanCapacity,
            services.TooManyAtOnce,
            services.AlreadyBooked,
            services.NotEnoughLeft,
        ]

    @pytest.mark.parametrize(
        ("status", "refusal"), [("draft", services.EventNotPublished), ("cancelled", services.EventCancelled)]
    )
    def test_unpublished_events_before_closed_bookings(self, admin: User, status: str, refusal: type[Refused]) -> None:
        event = make_event(admin, bookings_close_at=timezone.now() - timedelta(hours=1), status=status)

        with pytest.raises(refusal):
            book(event, admin)

    def test_with_an_error_for_every_rule_in_sql(self) -> None:
        rules = set(re.findall(r"'([a-z]+(?:_[a-z]+)+)'", sql.text("events/functions/booking_refusal")))
        with_numbers = [services.MoreThanCapacity.code, services.TooManyAtOnce.code, services.NotEnoughLeft.code]

        assert len(rules) == 9
        assert rules | {"busy"} == {*REFUSALS, *with_numbers}

    def test_unknown_draft_and_withdrawn_events(self, admin: User, owner: User) -> None:
        draft, withdrawn = make_event(admin, status="draft"), make_event(admin)
        services.withdraw(event_id=withdrawn.pk, by=admin, at=timezone.now())

        for event_id in (0, draft.pk, withdrawn.pk):
            with pytest.raises(services.EventNotFound):
                services.book(event_id=event_id, quantity=1, by=owner, at=timezone.now())

    def test_a_draft_for_an_admin(self, admin: User) -> None:
        with pytest.raises(services.EventNotPublished):
            book(make_event(admin, status="draft"), admin)

    def test_a_cancelled_event(self, admin: User, owner: User) -> None:
        event = make_event(admin)
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        with pytest.raises(services.EventCancelled):
            book(event, owner)

    def test_from_the_moment_bookings_close(self, admin: User, owner: User) -> None:
        event = make_event(admin, bookings_close_at=timezone.now())
        closing = event.bookings_close_at
        assert closing

        with pytest.raises(services.BookingsClosed):
            services.book(event_id=event.pk, quantity=1, by=owner, at=closing)
        assert services.book(event_id=event.pk, quantity=1, by=owner, at=closing - timedelta(microseconds=1)).pk

    def test_more_than_the_capacity(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=5, withheld=2)

        with pytest.raises(services.MoreThanCapacity) as refusal:
            book(event, owner, quantity=6)

        assert refusal.value.fields == {"quantity": ["This event has only 5 tickets."]}
        assert state(book(event, owner, quantity=5)) == [(WAITING, 5)]

    def test_more_than_one_booking_can_have(self, admin: User, owner: User) -> None:
        event = make_event(admin, max_per_booking=2)

        with pytest.raises(services.TooManyAtOnce):
            book(event, owner, quantity=3)

        assert state(book(event, owner, quantity=2)) == [(CONFIRMED, 2)]

    def test_a_second_booking_of_a_user(self, admin: User, owner: User, outsider: User) -> None:
        event = make_event(admin, capacity=1)
        book(event, owner)
        book(event, outsider)

        with pytest.raises(services.AlreadyBooked) as refusal:
            book(event, owner)
        with pytest.raises(services.AlreadyWaiting):
            book(event, outsider)

        assert refusal.type is services.AlreadyBooked

    def test_what_does_not_fit_and_may_not_wait(self, admin: User) -> None:
        event = make_event(admin, capacity=3)
        book(event, quantity=2)

        with pytest.raises(services.NotEnoughLeft):
            book(event, quantity=2, joins=Joins.NEVER)
        with pytest.raises(services.NotEnoughLeft):
            book(event, quantity=2, joins=Joins.WHEN_SOLD_OUT)

        assert seats(event) == (1, 2, 0)

    def test_newcomers_who_may_not_wait_while_others_do(self, admin: User) -> None:
        event = make_event(admin, capacity=3)
        book(event, quantity=2)
        book(event, quantity=2)

        with pytest.raises(services.NotEnoughLeft):
            book(event, quantity=1, joins=Joins.NEVER)

        assert state(book(event, quantity=1, joins=Joins.WHEN_SOLD_OUT)) == [(WAITING, 1)]

    def test_nothing_when_sold_out_and_joining_when_sold_out(self, admin: User) -> None:
        event = make_event(admin, capacity=3, withheld=1)
        book(event, quantity=2)

        assert state(book(event, quantity=2, joins=Joins.WHEN_SOLD_OUT)) == [(WAITING, 2)]

    def test_without_side_effects(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=1)
        book(event, owner)
        event.inventory.refresh_from_db()
        version = event.inventory.version

        with pytest.raises(services.AlreadyBooked):
            book(event, owner)

        event.inventory.refresh_from_db()
        announce_bookings()
        assert (Booking.objects.count(), Delivery.objects.count(), event.inventory.version) == (1, 1, version)


class TestCancel:
    def test_promotes_from_the_head_as_far_as_it_fits(self, admin: User) -> None:
        event = make_event(admin, capacity=4)
        first = book(event, quantity=4)
        second, third, fourth = (book(event, quantity=quantity) for quantity in (1, 3, 1))

        services.cancel(booking_id=first.pk, by=admin, seats=3)

        assert state(first, second, third, fourth) == [(CONFIRMED, 1), (CONFIRMED, 1), (WAITING, 3), (WAITING, 1)]
        assert seats(event) == (2, 2, 2)
        assert notifications(second) == [Kind.BOOKING_WAITING, Kind.BOOKING_PROMOTED]
        assert list(second.entries.values_list("kind", "seats", "waiting", "amount")) == [
            ("requested", 0, 1, 0),
            ("promoted", 1, -1, 25),
        ]

    def test_promotes_when_the_booking_ahead_is_cancelled(self, admin: User) -> None:
        event = make_event(admin, capacity=2)
        first, large, small = book(event, quantity=1), book(event, quantity=2), book(event, quantity=1)

        services.cancel(booking_id=large.pk, by=large.user)

        assert state(first, large, small) == [(CONFIRMED, 1), (CANCELLED, 0), (CONFIRMED, 1)]

    def test_promotes_a_waiting_booking_that_shrinks(self, admin: User) -> None:
        event = make_event(admin, capacity=2)
        first, large = book(event, quantity=1), book(event, quantity=2)

        services.cancel(booking_id=large.pk, by=large.user, seats=1)

        assert state(first, large) == [(CONFIRMED, 1), (CONFIRMED, 1)]
        assert list(large.entries.values_list("kind", "quantity", "seats", "waiting")) == [
            ("requested", 2, 0, 1),
            ("cancelled", 1, 0, 0),
            ("promoted", 1, 1, -1),
        ]

    def test_lets_agents_cancel_for_the_holder(self, admin: User, agent: User, owner: User) -> None:
        booking = book(make_event(admin, capacity=5), owner, quantity=4)

        with pytest.raises(services.BookingNotFound):
            services.cancel(booking_id=booking.pk, by=agent, seats=1)
        services.cancel(booking_id=booking.pk, by=agent, seats=1, for_holder=True)

        assert state(booking) == [(CONFIRMED, 3)]

    def test_refuses_others_who_claim_to_cancel_for_the_holder(self, admin: User, outsider: User) -> None:
        booking = book(make_event(admin, capacity=5))

        for by in (outsider, None):
            with pytest.raises(Forbidden):
                services.cancel(booking_id=booking.pk, by=by, for_holder=True)

    def test_cancels_some_seats(self, admin: User, owner: User) -> None:
        event = make_event(admin, capacity=5)
        booking = book(event, owner, quantity=4)

        services.cancel(booking_id=booking.pk, by=owner, seats=1)

        booking.refresh_from_db()
        assert (booking.left, booking.seats, booking.status) == (3, 3, CONFIRMED)
        assert seats(event) == (2, 3, 0)
        assert list(booking.entries.values_list("kind", "quantity", "seats", "amount"))[1:] == [
            ("cancelled", 1, -1, -25)
        ]

    def test_keeps_the_position_of_a_booking_that_shrinks(self, admin: User) -> None:
        event = make_event(admin, capacity=2)
        book(event, quantity=2)
        first, second = book(event, quantity=2), book(event)

        services.cancel(booking_id=first.pk, by=first.user, seats=1)

        shrunk = Booking.objects.with_position().get(pk=first.pk)
        assert (shrunk.ahead, shrunk.left) == (0, 1)
        assert Booking.objects.with_position().get(pk=second.pk).ahead == 1

    def test_allows_the_owner_an_admin_and_a_token_holder(self, admin: User, owner: User) -> None:
        event = make_event(admin)
        for by, is_proven in ((owner, False), (admin, False), (None, True)):
            booking = book(event, owner)

            services.cancel(booking_id=booking.pk, by=by, is_proven=is_proven)

            booking.refresh_from_db()
            assert booking.status == CANCELLED

    def test_refuses_everyone_else(self, admin: User, agent: User, outsider: User, owner: User) -> None:
        event = make_event(admin)
        bookings = [book(event, owner), book(event, guest=GUEST)]

        for booking in bookings:
            for by in (outsider, agent, None):
                with pytest.raises(services.BookingNotFound):
                    services.cancel(booking_id=booking.pk, by=by)
        with pytest.raises(services.BookingNotFound):
            services.cancel(booking_id=0, by=admin)

        assert state(*bookings) == [(CONFIRMED, 1), (CONFIRMED, 1)]

    def test_refuses_more_seats_than_are_left(self, admin: User, owner: User) -> None:
        booking = book(make_event(admin), owner, quantity=3)
        services.cancel(booking_id=booking.pk, by=owner, seats=1)

        with pytest.raises(services.MoreThanBooked):
            services.cancel(booking_id=booking.pk, by=owner, seats=3)

        assert state(booking) == [(CONFIRMED, 2)]

    def test_refuses_a_cancelled_booking(self, admin: User, owner: User) -> None:
        booking = book(make_event(admin), owner)
        services.cancel(booking_id=booking.pk, by=owner)

        with pytest.raises(services.AlreadyCancelled):
            services.cancel(booking_id=booking.pk, by=owner)

        assert booking.entries.count() == 2


class TestUpdate:
    def test_gives_additional_seats_to_the_waiting_list(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        first, second, third = book(event), book(event), book(event)

        services.update(event_id=event.pk, by=admin, at=timezone.now(), capacity=2)

        assert state(first, second, third) == [(CONFIRMED, 1), (CONFIRMED, 1), (WAITING, 1)]

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"capacity": 2}, services.CapacityBelowSold),
            ({"capacity": 3}, services.CapacityBelowWaiting),
            ({"withheld": 2}, services.CapacityBelowSold),
        ],
    )
    def test_refuses_fewer_seats_than_are_needed(
        self, admin: User, changes: dict[str, Any], refusal: type[Exception]
    ) -> None:
        event = make_event(admin, capacity=4)
        book(event, quantity=3)
        book(event, quantity=4)

        with pytest.raises(refusal):
            services.update(event_id=event.pk, by=admin, at=timezone.now(), **changes)

    @pytest.mark.parametrize("changes", [{"withheld": 5}, {"capacity": 3, "withheld": 4}])
    def test_refuses_to_withhold_more_than_the_capacity(self, admin: User, changes: dict[str, Any]) -> None:
        event = make_event(admin, capacity=4)

        with pytest.raises(Invalid):
            services.update(event_id=event.pk, by=admin, at=timezone.now(), **changes)

    def test_refuses_unknown_and_cancelled_events(self, admin: User) -> None:
        event = make_event(admin)
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        with pytest.raises(services.EventNotFound):
            services.update(event_id=0, by=admin, at=timezone.now(), capacity=2)
        with pytest.raises(services.EventCancelled):
            services.update(event_id=event.pk, by=admin, at=timezone.now(), capacity=2)

    def test_refuses_to_make_a_booked_event_a_draft(self, admin: User) -> None:
        event = make_event(admin)
        booking = book(event)

        with pytest.raises(services.EventHasBookings):
            services.update(event_id=event.pk, by=admin, at=timezone.now(), status="draft")
        services.cancel(booking_id=booking.pk, by=admin)

        services.update(event_id=event.pk, by=admin, at=timezone.now(), status="draft")

        event.refresh_from_db()
        assert event.status == "draft"

    def test_ignores_unchanged_values(self, admin: User) -> None:
        event = make_event(admin, capacity=4)

        services.update(event_id=event.pk, by=admin, at=timezone.now(), capacity=4, name=event.name)

        same = Event.objects.with_inventory().get(pk=event.pk)
        assert same.updated_at == event.updated_at
        assert same.inventory.version == 1


class TestCancelEvent:
    def test_cancels_every_booking_and_notifies_each_holder_once(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        first, second = book(event), book(event, guest=GUEST)

        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        assert state(first, second) == [(CANCELLED, 0), (CANCELLED, 0)]
        assert seats(event) == (1, 0, 0)
        assert notifications(first) == [Kind.BOOKING_CONFIRMED, Kind.EVENT_CANCELLED]
        assert notifications(second) == [Kind.BOOKING_WAITING, Kind.EVENT_CANCELLED]
        with pytest.raises(services.EventCancelled):
            book(event, make_user())

    def test_refuses_a_cancelled_event(self, admin: User) -> None:
        event = make_event(admin)
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        with pytest.raises(services.EventCancelled):
            services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())
        with pytest.raises(services.EventNotFound):
            services.cancel_event(event_id=0, by=admin, at=timezone.now())


class TestWithdraw:
    def test_cancels_and_hides_the_event(self, admin: User) -> None:
        event = make_event(admin)
        booking = book(event)

        services.withdraw(event_id=event.pk, by=admin, at=timezone.now())

        assert state(booking) == [(CANCELLED, 0)]
        assert notifications(booking) == [Kind.BOOKING_CONFIRMED, Kind.EVENT_CANCELLED]
        with pytest.raises(services.EventNotFound):
            services.withdraw(event_id=event.pk, by=admin, at=timezone.now())

    def test_notifies_nobody_twice(self, admin: User) -> None:
        event = make_event(admin)
        booking = book(event)
        services.cancel_event(event_id=event.pk, by=admin, at=timezone.now())

        services.withdraw(event_id=event.pk, by=admin, at=timezone.now())

        assert notifications(booking) == [Kind.BOOKING_CONFIRMED, Kind.EVENT_CANCELLED]


class TestDelete:
    def test_refuses_an_event_with_bookings(self, admin: User) -> None:
        event = make_event(admin)
        booking = book(event)
        services.cancel(booking_id=booking.pk, by=admin)

        with pytest.raises(services.EventHasBookings):
            services.delete(event_id=event.pk, by=admin)

    def test_deletes_an_event_without_bookings(self, admin: User) -> None:
        event = make_event(admin)

        services.delete(event_id=event.pk, by=admin)

        assert not Event.objects.exists()
