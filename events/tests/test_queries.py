"""Positions on the waiting list, searches for bookings, and the order of events."""

import re
from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from events import queries, services
from events.models import Booking, Event
from events.models import search as search_module
from events.tests.books import fill
from events.tests.factories import Guest, book, make_event
from kit.dates import Span
from kit.db import sql
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
            booking.pk: row["position"]
            for booking in Booking.objects.all()
            if (row := queries.booking(booking_id=booking.pk, viewer=admin))
        }

        for limit in (1, 2, 3, 7, 20):
            for status in (None, "waiting"):
                shown: list[queries.Row] = []
                while page := queries.bookings(
                    viewer=admin, status=status, before_id=shown[-1]["id"] if shown else None, limit=limit
                ):
                    shown += page
                expected = [(pk, place) for pk, place in alone.items() if status is None or place is not None]
                assert [(row["id"], row["position"]) for row in shown] == sorted(expected, reverse=True)

        for event in events:
            assert [alone[pk] for pk in event.bookings.queue().values_list("pk", flat=True)] == [
                *range(1, event.bookings.queue().count() + 1)
            ]

    def test_are_empty_without_bookings(self, admin: User) -> None:
        assert queries.bookings(viewer=admin, limit=10) == []


def found(viewer: User, search: str, limit: int) -> list[int]:
    """Return the ids of the matches on all pages."""
    shown: list[int] = []
    before_id = None
    while page := queries.bookings(viewer=viewer, search=search, before_id=before_id, limit=limit):
        shown += [row["id"] for row in page]
        before_id = shown[-1]
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

        assert found(admin, search, limit) == sorted((booked[name].pk for name in names), reverse=True)

    def test_finds_only_visible_bookings(self, booked: dict[str, Booking], owner: User) -> None:
        own = book(booked["danish guest"].event, owner)

        assert found(owner, "jazz", 20) == [own.pk]

    @pytest.mark.parametrize("walk", [0, 3, 2000])
    @pytest.mark.parametrize("limit", [1, 2, 5])
    def test_pages_have_every_match_once(
        self, admin: User, walk: int, limit: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queries, "WALK", walk)
        gala, other = make_event(admin, name="Gala", capacity=50), make_event(admin, capacity=50)
        made = [book(gala if number % 5 == 0 else other) for number in range(20)]

        assert found(admin, "gala", limit) == [booking.pk for booking in made[::5][::-1]]

    def test_follows_renamed_users_and_events(self, booked: dict[str, Booking], admin: User) -> None:
        booking = booked["jerome in the park"]
        psql("UPDATE accounts_user SET name = 'Renée' WHERE id = %(user)s", user=booking.user_id)
        psql("UPDATE events_event SET name = 'Rock' WHERE id = %(event)s", event=booking.event_id)

        assert found(admin, "rock renee", 20) == [booking.pk]

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
        made = [make_event(admin, starts_at=at, created_at=at).pk for _ in range(3)]

        for field, is_descending, search in product(("starts_at", "created_at"), (False, True), ("", "jazz")):
            ordering = queries.Ordering(field, is_descending=is_descending)
            chosen = queries.EventFilter(search=search)
            found = queries.events(viewer=None, filter=chosen, ordering=ordering, limit=9, at=at)
            assert [row["id"] for row in found] == (made[::-1] if is_descending else made)


class TestSearchOfEvents:
    @pytest.mark.parametrize("search", ["jazz", "gala", "opera", "jazz gala", "nothing"])
    @pytest.mark.parametrize("field", ["starts_at", "created_at"])
    @pytest.mark.parametrize("is_descending", [False, True])
    def test_pages_have_every_match_once(self, admin: User, search: str, field: str, *, is_descending: bool) -> None:
        """With pages of two, the walk reads 20 events: it fills pages of "jazz", some of "gala" and none of "opera"."""
        at = timezone.now()
        for number in range(45):
            name = "Jazz" + (" Gala" if number < 20 else "") + (" Opera" if number in (3, 22, 44) else "")
            # Several events start at the same time.
            make_event(admin, name=name, starts_at=at + timedelta(days=number // 3), created_at=at)
        ordering = queries.Ordering(field, is_descending=is_descending)
        chosen = queries.EventFilter(search=search, span=Span(starts_at=at + timedelta(days=1)))
        matches = Event.objects.search(search).filter(starts_at__gte=at + timedelta(days=1))
        sign = "-" if is_descending else ""

        pages: list[int] = []
        after = None
        while page := queries.events(viewer=None, filter=chosen, ordering=ordering, after=after, limit=2, at=at):
            pages += [row["id"] for row in page]
            after = page[-1]["place"], page[-1]["id"]

        assert pages == list(matches.order_by(f"{sign}{field}", f"{sign}pk").values_list("pk", flat=True))

    def test_frequent_words_are_found_without_looking_them_up(self, admin: User) -> None:
        for _ in range(3):
            make_event(admin)
        lines = psql(
            f"EXPLAIN ANALYZE {sql.text('events/search_events')}",
            search="jazz",
            ordering="created_at",
            is_descending=True,
            is_admin=False,
            row_limit=2,
            after="infinity",
            after_id=10,
            at=timezone.now(),
            status=None,
            is_available=None,
            starts_at=None,
            ends_at=None,
        )

        plan = "\n".join(line for (line,) in lines)
        assert re.search(r"on events_event .*never executed", plan)


class TestFilteredBookings:
    @pytest.mark.parametrize("condition", ["", "event_id = {} AND "])
    def test_rare_statuses_have_an_index(self, admin: User, condition: str) -> None:
        event = make_event(admin)
        fill(event.pk, "confirmed")
        condition = condition.format(event.pk)

        with planner_without("seqscan", "sort"):
            question = f"SELECT id FROM events_booking WHERE {condition}status = 'cancelled' ORDER BY id DESC LIMIT 20"
            plan = " ".join(line for (line,) in psql(f"EXPLAIN {question}"))

        assert re.search(r"using booking_(event_)?unconfirmed on", plan)
        assert "Filter" not in plan
