"""The consistency check: every kind of fault is planted and found."""

import pytest

from accounts.models import User
from events import queries, services
from events.models import Booking, Event
from events.tests.books import falsify, faults
from events.tests.factories import GUEST, book, make_event
from kit.db import sql

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def event(admin: User) -> Event:
    """Five seats, four of them sold, and two waiting bookings, the first for two seats."""
    event = make_event(admin, capacity=6, withheld=1)
    book(event, quantity=3)
    book(event, guest=GUEST)
    for quantity in (2, 1):
        book(event, quantity=quantity)
    return event


@pytest.fixture
def held(event: Event) -> Booking:
    booking = event.bookings.order_by("id").first()
    assert booking
    return booking


@pytest.fixture
def waits(event: Event) -> list[Booking]:
    return list(event.bookings.queue())


def sentences(event: Event) -> list[str]:
    """Return the faults of the event, which must be the only ones."""
    found = faults()
    assert {fault.event_id for fault in found} <= {event.pk}
    return [str(fault).removeprefix(f"Event #{event.pk}") for fault in found]


class TestBookingFaults:
    def test_are_empty_if_everything_agrees(self, event: Event, held: Booking, admin: User) -> None:
        services.cancel(booking_id=held.pk, by=admin, seats=1)
        over = make_event(admin)
        book(over)
        services.cancel(booking_id=book(over).pk, by=admin)
        services.cancel_event(event_id=over.pk, by=admin, at=over.created_at)
        make_event(admin)

        assert faults() == []

    def test_include_an_oversold_event(self, event: Event) -> None:
        falsify(
            "ALTER TABLE events_inventory DROP CONSTRAINT inventory_seats_fit",
            "UPDATE events_inventory SET capacity = 4",
        )

        assert sentences(event) == [": oversold: 4 of 3 seats are sold."]

    def test_include_wrong_inventory_counts(self, event: Event) -> None:
        falsify("UPDATE events_inventory SET confirmed = 5, waiting = 3, last_queue_number = 1")

        assert sentences(event) == [
            ": last queue number 1 according to the inventory, 2 according to the bookings.",
            ": 5 seats sold according to the inventory, 4 according to the bookings.",
            ": 5 seats sold according to the inventory, 4 according to the ledger.",
            ": 3 bookings waiting according to the inventory, 2 according to the bookings.",
            ": 3 bookings waiting according to the inventory, 2 according to the ledger.",
        ]

    def test_include_a_missing_inventory(self, event: Event) -> None:
        falsify("DELETE FROM events_inventory")

        assert sentences(event) == [": has no inventory, but 4 bookings."]

    def test_include_a_change_missing_from_the_ledger(self, event: Event, held: Booking, waits: list[Booking]) -> None:
        falsify(f"UPDATE events_booking SET cancelled = 1 WHERE id = {held.pk}")

        assert sentences(event) == [
            ": 4 seats sold according to the inventory, 3 according to the bookings.",
            f", booking #{held.pk}: worth 50.00, 75.00 according to the ledger.",
            f", booking #{held.pk}: has 2 seats, 3 according to the ledger.",
            f", booking #{waits[0].pk}: first on the waiting list for 2 seats, although 2 are free.",
        ]

    def test_include_a_forged_ledger_entry(self, event: Event, held: Booking) -> None:
        falsify(
            "INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)"
            f" VALUES ({event.pk}, {held.pk}, 'cancelled', 1, -1, 1, -30)"
        )

        assert sentences(event) == [
            ": 4 seats sold according to the inventory, 3 according to the ledger.",
            ": 2 bookings waiting according to the inventory, 3 according to the ledger.",
            f", booking #{held.pk}: worth 75.00, 45.00 according to the ledger.",
            f", booking #{held.pk}: has 3 seats, 2 according to the ledger.",
            f", booking #{held.pk}: waiting count 0 according to its status, 1 according to the ledger.",
        ]

    def test_include_a_waiting_booking_that_fits(self, event: Event, waits: list[Booking]) -> None:
        falsify("UPDATE events_inventory SET withheld = 0")

        assert sentences(event) == [
            f", booking #{waits[0].pk}: first on the waiting list for 2 seats, although 2 are free."
        ]

    def test_include_a_promotion_out_of_order(self, event: Event, waits: list[Booking]) -> None:
        falsify(
            f"UPDATE events_booking SET status = 'confirmed' WHERE id = {waits[1].pk}",
            "UPDATE events_inventory SET confirmed = 5, waiting = 1",
            "INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)"
            f" VALUES ({event.pk}, {waits[1].pk}, 'promoted', 1, 1, -1, 25)",
        )

        assert sentences(event) == [
            f", booking #{waits[1].pk}: got seats before booking #{waits[0].pk}, which has been waiting longer."
        ]

    def test_include_a_newcomer_who_jumped_the_queue(self, event: Event, waits: list[Booking]) -> None:
        falsify("UPDATE events_inventory SET waiting = 0")
        newcomer = book(event)
        falsify("UPDATE events_inventory SET waiting = 2")

        assert sentences(event) == [
            f", booking #{newcomer.pk}: got seats before booking #{waits[0].pk}, which has been waiting longer."
        ]

    @pytest.mark.parametrize("status", ["cancelled", "draft"])
    def test_include_live_bookings_of_unpublished_events(self, event: Event, status: str) -> None:
        falsify(f"UPDATE events_event SET status = '{status}'")

        assert sentences(event) == [": does not take bookings, but has 4 that are not cancelled."]

    def test_include_seats_that_are_checked_in_but_cancelled(self, event: Event, held: Booking, admin: User) -> None:
        services.check_in_seats(event_id=event.pk, booking_id=held.pk, seats=3, by=admin, at=event.created_at)
        assert faults() == []
        falsify("UPDATE events_checkin SET seat = seat + 5")

        assert sentences(event) == [f", booking #{held.pk}: has 3 seats, but seat 8 is checked in."]

    def test_include_seats_that_are_checked_in_twice(self, event: Event, held: Booking, admin: User) -> None:
        services.check_in_seats(event_id=event.pk, booking_id=held.pk, seats=2, by=admin, at=event.created_at)
        falsify("DROP INDEX check_in_once", "UPDATE events_checkin SET seat = 1")

        assert sentences(event) == [f", booking #{held.pk}: seat 1 is checked in 2 times."]

    def test_each_have_a_sentence(self) -> None:
        for name in queries.FAULTS:
            assert f"'{name}'" in sql.text("events/booking_faults")


class TestBookingParts:
    def test_cover_all_events_without_gaps(self, admin: User) -> None:
        for number in (0, 3, 1, 0, 2):
            event = make_event(admin)
            for _ in range(number):
                book(event)

        parts = queries.booking_parts(size=4)

        assert [part.after_id for part in parts] == [0, *(part.until_id for part in parts[:-1])]
        assert sum(part.events for part in parts) == 5
        assert sum(part.bookings for part in parts) == 6
        assert len(parts) == 3

    def test_are_empty_without_events(self) -> None:
        assert queries.booking_parts(size=4) == []
