"""Positions on the waiting list, searches for bookings, and the order of events."""

import re

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from events import queries, services
from events.models import Booking
from events.models import search as search_module
from events.tests.factories import Guest, book, make_event
from projects.tests.psql import planner_without, psql

pytestmark = [pytest.mark.django_db, pytest.mark.database]


class TestBookings:
    def test_have_the_same_position_on_every_page_and_alone(self, admin: User) -> None:
        """Two waiting lists with gaps, read in pages that contain various parts of them."""
        events = [make_event(admin, capacity=1) for _ in range(2)]
        made = [book(events[number % 3 == 0]) for number in range(20)]
        for gone in (4, 9, 10, 13):
            services.cancel(booking_id=made[gone].pk, by=admin)
        alone = {
            booking.pk: services.find_booking(booking_id=booking.pk, by=admin).ahead
            for booking in Booking.objects.all()
        }

        for limit in (1, 2, 3, 7, 20):
            shown: list[Booking] = []
            while page := queries.bookings(viewer=admin, before_id=shown[-1].pk if shown else None, limit=limit):
                shown += page
            assert [(booking.pk, booking.ahead) for booking in shown] == sorted(alone.items(), reverse=True)

        for event in events:
            assert [alone[pk] for pk in event.bookings.queue().values_list("pk", flat=True)] == [
                *range(event.bookings.queue().count())
            ]

    def test_are_empty_without_bookings(self, admin: User) -> None:
        assert queries.bookings(viewer=admin, limit=10) == []


def found(viewer: User, search: str, limit: int) -> list[Booking]:
    """Return the matches on all pages."""
    shown: list[Booking] = []
    before_id = None
    while page := queries.bookings(viewer=viewer, search=search, before_id=before_id, limit=limit):
        shown += page
        before_id = page[-1].pk
    return shown


class TestSearchOfBookings:
    @pytest.fixture
    def booked(self, admin: User) -> dict[str, Booking]:
        """Bookings by name, and newer ones that nobody searches for."""
        gala = make_event(admin, name="Spöters Gala", venue="Old Theatre")
        jazz = make_event(admin, name="Jazz in the park")
        jerome = make_user("Jérôme Müller", email="jm@mail.test")
        booked = {
            "jerome at the gala": book(gala, jerome),
            "jerome in the park": book(jazz, jerome),
            "chinese guest": book(gala, guest=Guest("小明", "王", "wang@post.test")),
            "danish guest": book(jazz, guest=Guest("Søren", "Müller", "soren@post.test")),
        }
        other = make_event(admin, name="Another event")
        for number in range(5):
            book(other, guest=Guest("Extra", f"Number {number}", "extra@example.com"))
        return booked

    @pytest.mark.parametrize(
        ("search", "names"),
        [
            ("jerome", ["jerome at the gala", "jerome in the park"]),
            ("JÉRÔME", ["jerome at the gala", "jerome in the park"]),
            ("muller", ["jerome at the gala", "jerome in the park", "danish guest"]),
            ("jm@mail", ["jerome at the gala", "jerome in the park"]),
            ("soren", ["danish guest"]),
            ("post.test", ["chinese guest", "danish guest"]),
            ("明", ["chinese guest"]),
            ("spoter", ["jerome at the gala", "chinese guest"]),
            # Words of the holder and of the event, in any order.
            ("gala jérôme", ["jerome at the gala"]),
            ("park muller", ["jerome in the park", "danish guest"]),
            ("park post", ["danish guest"]),
            # More words than are looked up.
            ("gala jérôme mull mail test jm s", ["jerome at the gala"]),
            ("gala jérôme mull mail test jm x", []),
            # Not the venue, the middle of a word or a single word of two.
            *(("theatre", []), ("uller", []), ("jerome wang", [])),
            *(("%", []), ("_", []), ("'", [])),
        ],
    )
    @pytest.mark.parametrize(("walk", "most_ids", "limit"), [(2000, 1000, 20), (0, 1000, 1), (0, 0, 1)])
    def test_finds_names_and_addresses_by_words(
        self,
        booked: dict[str, Booking],
        admin: User,
        search: str,
        names: list[str],
        walk: int,
        most_ids: int,
        limit: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Whether few bookings match or many, and few people or many."""
        monkeypatch.setattr(queries, "WALK", walk)
        monkeypatch.setattr(search_module, "MAX_IDS", most_ids)

        ids = [booking.pk for booking in found(admin, search, limit)]

        assert ids == sorted((booked[name].pk for name in names), reverse=True)

    def test_finds_only_visible_bookings(self, booked: dict[str, Booking], owner: User) -> None:
        own = book(booked["danish guest"].event, owner)

        assert found(owner, "jazz", 20) == [own]

    @pytest.mark.parametrize("walk", [0, 3, 2000])
    @pytest.mark.parametrize("limit", [1, 2, 5])
    def test_pages_have_every_match_once(
        self, admin: User, walk: int, limit: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queries, "WALK", walk)
        gala, other = make_event(admin, name="Gala", capacity=50), make_event(admin, capacity=50)
        made = [book(gala if number % 5 == 0 else other) for number in range(20)]

        assert found(admin, "gala", limit) == made[::5][::-1]

    def test_follows_renamed_users_and_events(self, booked: dict[str, Booking], admin: User) -> None:
        booking = booked["jerome in the park"]
        psql("UPDATE accounts_user SET name = 'Renée' WHERE id = %(user)s", user=booking.user_id)
        psql("UPDATE events_event SET name = 'Rock' WHERE id = %(event)s", event=booking.event_id)

        assert found(admin, "rock renee", 20) == [booking]

    def test_uses_the_indexes(self, booked: dict[str, Booking]) -> None:
        with planner_without("seqscan", "indexscan"):
            # Begin with the bookings.
            psql("SET LOCAL join_collapse_limit = 1")

            plan = Booking.objects.search_few("muller").explain()

        # One index for each of the places, instead of a walk along all bookings.
        assert re.search(r"BitmapOr.*\n\s+->  Bitmap Index Scan on booking_", plan)
        assert "Seq Scan" not in plan


class TestEvents:
    def test_break_ties_by_id(self, admin: User) -> None:
        at = timezone.now()
        made = [make_event(admin, starts_at=at) for _ in range(3)]

        for is_descending in (False, True):
            ordering = queries.Ordering("starts_at", is_descending=is_descending)
            found = queries.events(viewer=None, filter=queries.EventFilter(), ordering=ordering, limit=9, at=at)
            assert found == (made[::-1] if is_descending else made)
