"""The JSON of events and bookings has the keys that the schema promises, and SQL decides as the models do."""

from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.utils import timezone
from orjson import dumps

from accounts.models import User
from accounts.tests.factories import make_user
from events import exports, queries, services, shapes
from events.models import Booking, BookingStatus, Event
from events.serializers import (
    AvailabilitySerializer,
    BookingDetailSerializer,
    BookingSerializer,
    EventSerializer,
    GuestOfBookingSerializer,
)
from events.tests.factories import GUEST, book, make_event
from kit.db import sql
from kit.web import csv_export
from kit.web.fields import plain_number
from kit.web.paging import MAX_LIMIT


def keys(serializer: Any) -> list[str]:
    return list(serializer().fields)


def listed(viewer: User | None, ordering: queries.Ordering | None = None, **conditions: Any) -> list[queries.Row]:
    return queries.events(
        viewer=viewer,
        filter=queries.EventFilter(**conditions),
        ordering=ordering or queries.Ordering(),
        limit=20,
        at=timezone.now(),
    )


class TestKeys:
    """In order, too: a CSV file has the values in the order of the columns."""

    def test_of_an_event_are_those_of_the_schema(self, admin: User) -> None:
        event = make_event(admin)
        row = queries.event(event_id=event.pk, viewer=None)
        assert row is not None
        by_start = queries.Ordering("starts_at")
        rows = [row, *listed(None), *listed(None, by_start), *listed(None, search="jazz")]

        assert [list(shapes.event(row)) for row in rows] == [keys(EventSerializer)] * 4

    def test_of_its_availability_are_those_of_the_schema(self, admin: User) -> None:
        row = queries.availability(event_id=make_event(admin).pk, viewer=None)

        assert list(row or {}) == keys(AvailabilitySerializer)

    def test_of_bookings_are_those_of_the_schema(self, admin: User) -> None:
        made = book(make_event(admin), guest=GUEST)
        row = queries.booking(booking_id=made.pk, viewer=admin)
        assert row is not None
        body = shapes.booking(row)

        assert list(body) == keys(BookingSerializer)
        assert list(body["guest"]) == keys(GuestOfBookingSerializer)
        assert list(shapes.booking_detail(row)) == keys(BookingDetailSerializer)
        assert dumps(shapes.new_booking(vars(made))) == dumps(shapes.booking_detail(row))
        assert list(shapes.new_booking(vars(made))) == keys(BookingDetailSerializer)

    @pytest.mark.parametrize("terms", [{}, {"status": "confirmed"}, {"search": "greta"}])
    def test_of_every_list_are_those_of_the_export(self, admin: User, terms: dict[str, str]) -> None:
        book(make_event(admin), guest=GUEST)
        (row,) = queries.bookings(viewer=admin, limit=5, **terms)  # type: ignore[arg-type]

        assert tuple(shapes.flat_booking(row)) == exports.COLUMNS


class TestPrices:
    @pytest.mark.parametrize("price", ["0", "0.01", "0.5", "12.50", "100", "223.05", "99999999.99"])
    def test_are_written_by_sql_as_orjson_would(self, admin: User, price: str) -> None:
        event = make_event(admin, price=Decimal(price))
        made = book(event, guest=GUEST)
        shown = queries.event(event_id=event.pk, viewer=None)
        booked = queries.booking(booking_id=made.pk, viewer=admin)
        assert shown
        assert booked

        prices = [shapes.event(shown)["price"]] + [
            body["unitPrice"] for body in (shapes.booking(booked), shapes.new_booking(vars(made)))
        ]

        assert [dumps(written) for written in prices] == [dumps(plain_number(Decimal(price)))] * 3


class TestVisibleEvents:
    @pytest.fixture
    def events(self, admin: User) -> list[Event]:
        """One of each kind: published, draft, cancelled and deleted."""
        events = [make_event(admin), make_event(admin, status="draft"), make_event(admin), make_event(admin)]
        services.cancel_event(event_id=events[2].pk, by=admin, at=timezone.now())
        services.withdraw(event_id=events[3].pk, by=admin, at=timezone.now())
        return events

    def test_are_what_visible_to_selects(self, events: list[Event], admin: User, agent: User, owner: User) -> None:
        for viewer in (None, owner, agent, admin):
            visible = set(Event.objects.visible_to(viewer).values_list("pk", flat=True))
            for event in events:
                is_visible = event.pk in visible
                assert (queries.event(event_id=event.pk, viewer=viewer) is not None) == is_visible
                assert (queries.availability(event_id=event.pk, viewer=viewer) is not None) == is_visible
            rows = [
                listed(viewer),
                listed(viewer, queries.Ordering("starts_at")),
                listed(viewer, search="jazz"),
                queries.page_of_events(viewer=viewer, skipped=0, limit=9) if viewer else listed(viewer),
            ]
            assert [{row["id"] for row in found} for found in rows] == [visible] * 4


class TestVisibleBookings:
    def test_are_what_visible_to_selects(self, admin: User, agent: User, owner: User) -> None:
        event = make_event(admin)
        bookings = [book(event, owner), book(event, agent), book(event, guest=GUEST)]

        for viewer, booking in product((owner, agent, admin, make_user()), bookings):
            visible = set(Booking.objects.visible_to(viewer).values_list("pk", flat=True))
            is_visible = booking.pk in visible
            assert (queries.booking(booking_id=booking.pk, viewer=viewer) is not None) == is_visible
            for terms in ({}, {"event_id": event.pk}, {"status": "confirmed"}, {"search": "jazz"}):
                found = queries.bookings(viewer=viewer, limit=9, **terms)
                assert {row["id"] for row in found} == visible

    def test_are_all_for_those_who_have_proven_it_and_none_for_others(self, admin: User) -> None:
        booking = book(make_event(admin), guest=GUEST)

        assert queries.booking(booking_id=booking.pk, viewer=None) is None
        assert queries.booking(booking_id=booking.pk, viewer=None, is_proven=True) is not None


class TestPosition:
    def test_is_that_of_the_model(self, admin: User) -> None:
        event = make_event(admin, capacity=1)
        bookings = [book(event) for _ in range(4)]
        services.cancel(booking_id=bookings[2].pk, by=admin)

        for booking in Booking.objects.with_position():
            row = queries.booking(booking_id=booking.pk, viewer=admin)
            assert row is not None
            assert row["position"] == booking.position
            assert (row["position"] is None) == (booking.status != BookingStatus.WAITING)


class TestReason:
    @pytest.mark.parametrize(
        ("quantities", "reason"),
        [
            ([1], None),
            ([2, 1], "No tickets are left"),
            ([1, 2], "Fewer than 2 tickets are left"),
            ([2, 1, 1], "1 booking is ahead"),
            ([2, 1, 1, 1], "2 bookings are ahead"),
        ],
    )
    def test_says_why_a_booking_waits(self, admin: User, quantities: list[int], reason: str | None) -> None:
        event = make_event(admin, capacity=2)
        *_, last = (book(event, quantity=quantity) for quantity in quantities)
        row = queries.booking(booking_id=last.pk, viewer=admin)
        assert row is not None

        assert shapes.booking_detail(row)["reason"] == reason


class TestAvailable:
    def test_is_what_a_booking_would_find(self, admin: User) -> None:
        """The filter agrees with what happens when somebody books."""
        soon = timezone.now() + timedelta(hours=1)
        events = [
            make_event(admin, capacity=1, starts_at=soon, bookings_close_at=closes_at, withheld=withheld)
            for closes_at in (None, soon, soon - timedelta(hours=2))
            for withheld in (0, 1)
        ]
        found = {row["id"] for row in listed(None, is_available=True)}
        others = {row["id"] for row in listed(None, is_available=False)}

        assert not found & others
        for event in events:
            assert (event.pk in found) != (event.pk in others)
            try:
                status = book(event).status
            except services.BookingsClosed:
                status = "refused"
            assert (event.pk in found) == (status == BookingStatus.CONFIRMED)


@pytest.mark.parametrize("statement", ["next_events", "newest_bookings", "bookings_of_user"])
def test_pages_and_batches_fit_into_the_limit_of_their_walk(statement: str) -> None:
    assert "LIMIT 1000" in sql.text(f"events/{statement}")
    assert max(csv_export.BATCH, MAX_LIMIT + 1) <= 1000
