"""The guest list and the waiting list of an event in the admin."""

import csv
import io
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from events import services
from events.admin import guests
from events.models import Event
from events.tests.factories import GUEST, Guest, book, make_event
from kit.tests.browser import Browser
from kit.web import csv_export

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(admin: User, owner: User) -> Event:
    """An event with two guests, and two more waiting; another event has a booking by a guest of the same name."""
    event = make_event(admin, capacity=3, name="Greta's jazz")
    book(event, guest=Guest("Zora", "Zahn", "zora@example.com"), quantity=2)
    book(event, owner)
    book(event, guest=GUEST)
    book(event, guest=Guest("Émile", "Zola", "emile@example.com"), quantity=2)
    book(make_event(admin), guest=GUEST)
    return event


def page_of(event: Event) -> str:
    return f"/admin/events/event/{event.pk}/guests/"


def names(user: User, event: Event, **query: Any) -> list[tuple[str, int | None]]:
    rows = Browser(user).get(page_of(event), query).context["rows"]
    return [(row.name, row.place) for row in rows]


class TestGuests:
    def test_lists_guests_by_name(self, agent: User, event: Event) -> None:
        assert names(agent, event) == [("Olga Owner", None), ("Zora Zahn", None)]

    def test_lists_who_is_waiting_by_place(self, agent: User, event: Event) -> None:
        assert names(agent, event, list="waiting") == [("Greta Guest", 1), ("Émile Zola", 2)]

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("greta", [("Greta Guest", 1)]),
            ("emi zol", [("Émile Zola", 2)]),
            ("zo", [("Émile Zola", 2), ("Zora Zahn", None)]),
            ("zora nobody", []),
            ("olga.", [("Olga Owner", None)]),
            ("jazz", []),
            ("%", []),
            ("9" * 30, []),
        ],
    )
    def test_finds_by_name_and_address(
        self, agent: User, event: Event, text: str, found: list[tuple[str, int | None]]
    ) -> None:
        assert names(agent, event, q=text) == found

    def test_finds_by_number(self, agent: User, event: Event) -> None:
        booking = event.bookings.get(guest_email="emile@example.com")

        assert names(agent, event, q=f"#{booking.pk}") == names(agent, event, q=booking.pk) == [("Émile Zola", 2)]

    def test_searches_one_list_only_if_told(self, agent: User, event: Event) -> None:
        assert names(agent, event, q="zo", list="waiting") == [("Émile Zola", 2)]

    def test_finds_one_of_many_who_wait(self, admin: User, agent: User, django_assert_num_queries: Any) -> None:
        event = make_event(admin, capacity=1)
        for number in range(60):
            book(event, guest=Guest("Wanda", f"Waiting{number}", f"wanda{number}@example.com"))

        browser = Browser(agent)
        with django_assert_num_queries(6):
            page = browser.get(page_of(event), {"q": "wanda waiting57"})

        assert [(row.name, row.place) for row in page.context["rows"]] == [("Wanda Waiting57", 57)]

    def test_is_paged(self, admin: User, agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(guests, "ROWS_PER_PAGE", 2)
        event = make_event(admin, capacity=1)
        for number in range(6):
            book(event, guest=Guest("Wanda", str(number), f"wanda{number}@example.com"))

        first, last = (names(agent, event, list="waiting", page=page) for page in (1, 3))

        assert first == [("Wanda 1", 1), ("Wanda 2", 2)]
        assert last == [("Wanda 5", 5)]
        page = Browser(agent).get(page_of(event), {"list": "waiting", "page": "2"})
        assert (page.context["previous"], page.context["next"]) == ("?list=waiting&page=1", "?list=waiting&page=3")

    @pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=999999999", "list=x", "as=x", "q=%00"])
    def test_survives_any_query(self, agent: User, event: Event, query: str) -> None:
        assert Browser(agent).get(f"{page_of(event)}?{query}").status_code in (200, 400)

    @pytest.mark.parametrize("list_", ["confirmed", "waiting", "all"])
    def test_runs_six_queries(
        self, agent: User, event: Event, list_: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        browser = Browser(agent)

        # Session, user, group and user permissions, event; then the rows.
        with django_assert_num_queries(6):
            browser.get(page_of(event), {"list": list_})

    def test_prints_without_the_menu(self, agent: User, event: Event) -> None:
        page = Browser(agent).get(page_of(event), {"list": "waiting", "as": "print"}).content.decode()

        assert "<h1>Waiting list: Greta&#x27;s jazz</h1>" in page
        assert "Émile Zola" in page
        assert "/admin/tickets/" not in page


class TestCsv:
    def rows(self, user: User, event: Event, **query: str) -> list[list[str]]:
        answer: Any = Browser(user).get(page_of(event), {"as": "csv", **query})
        assert answer["Content-Type"].startswith("text/csv")
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        answer.close()
        return [row[:1] + row[2:7] for row in csv.reader(io.StringIO(text))]

    def test_has_the_guests(self, agent: User, owner: User, event: Event) -> None:
        assert self.rows(agent, event) == [
            ["place", "name", "email", "seats", "status", "unitPrice"],
            ["", "Zora Zahn", "zora@example.com", "2", "confirmed", "25.00"],
            ["", "Olga Owner", owner.email, "1", "confirmed", "25.00"],
        ]

    def test_has_the_waiting_list_in_order(self, agent: User, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(csv_export, "BATCH", 1)

        assert self.rows(agent, event, list="waiting")[1:] == [
            ["1", "Greta Guest", "greta@example.com", "1", "waiting", "25.00"],
            ["2", "Émile Zola", "emile@example.com", "2", "waiting", "25.00"],
        ]

    def test_has_what_a_search_finds(self, agent: User, event: Event) -> None:
        assert [row[:2] for row in self.rows(agent, event, q="zo")[1:]] == [["", "Zora Zahn"], ["2", "Émile Zola"]]

    def test_defuses_formulas(self, admin: User) -> None:
        event = make_event(admin)
        book(event, guest=Guest("=cmd()", "x", "x@example.com"))

        assert self.rows(admin, event)[1][1] == "'=cmd() x"

    def test_leaves_out_cancelled_bookings(self, admin: User, event: Event) -> None:
        services.cancel(booking_id=event.bookings.get(guest_email="zora@example.com").pk, by=admin)

        assert [row[1] for row in self.rows(admin, event)[1:]] == ["Olga Owner", "Greta Guest"]
