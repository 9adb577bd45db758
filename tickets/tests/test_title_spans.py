"""Searches in the order of titles that skip spans of titles without their words."""

from datetime import UTC, datetime
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from kit.db import sql
from projects.tests.psql import psql
from tickets import queries, services
from tickets.models import NewlyTitled, Ordering, SpannedWord, Ticket, TitleSpans
from tickets.queries import TicketFilter, lists
from tickets.services import title_spans
from tickets.tests.factories import make_ticket
from tickets.tests.test_queries import even_matches, many_tickets, note_title_words

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FROM_A, FROM_Z = Ordering("title", is_descending=False), Ordering("title", is_descending=True)


def search(viewer: User, text: str, ordering: Ordering = FROM_A, **page: Any) -> list[str]:
    """Return the titles that a walk in the spans of titles finds."""
    wanted = TicketFilter(search=text, **page.pop("filter", {}))
    with many_tickets(), even_matches(), mock.patch.object(lists._Page, "_by_words", side_effect=AssertionError):
        found = queries.tickets(viewer=viewer, filter=wanted, ordering=ordering, limit=100, at=NOON, **page)
    return [row["title"] for row in found]


def spans(beginning: str) -> str:
    return SpannedWord.objects.get(pk=beginning).spans


@pytest.fixture
def tickets(owner: User) -> list[Ticket]:
    """Tickets in the spans before c, from c to e, from e to g, and from g on."""
    texts = {
        "a": "apple",
        "b": "pear",
        "c": "apple",
        "d": "apple pie",
        "e": "pear",
        "f": "pear",
        "g": "plum",
        "h": "7up",
    }
    made = [make_ticket(owner, title=title, description=text) for title, text in texts.items()]
    # The last ticket of two begins the next span.
    with mock.patch.object(title_spans, "SPAN", 2):
        note_title_words()
    return made


def other_connection() -> psycopg.Connection[Any]:
    """Return a connection with a transaction of its own, for a `with` statement."""
    names = ("host", "port", "user", "password", "dbname")
    known = connection.get_connection_params()
    return psycopg.connect(**{name: known[name] for name in names if known.get(name)})


class TestNoting:
    def test_divides_titles_into_spans_of_the_same_length(self, tickets: list[Ticket]) -> None:
        assert TitleSpans.objects.get().first_titles == ["b", "d", "f", "h"]

    def test_keeps_the_spans_that_have_a_word(self, tickets: list[Ticket]) -> None:
        assert spans("appl") == "11100"[:2] + "100"
        assert spans("pie") == "00100"
        assert spans("plum") == "00010"

    def test_leaves_numbers_out(self, tickets: list[Ticket]) -> None:
        assert not SpannedWord.objects.filter(beginning__startswith="7").exists()

    def test_adds_the_words_of_later_tickets(self, owner: User, tickets: list[Ticket]) -> None:
        make_ticket(owner, title="z", description="plum")

        note_title_words()

        assert spans("plum") == "00011"
        assert TitleSpans.objects.get().last_id == Ticket.objects.latest("pk").pk

    def test_adds_the_words_of_changed_tickets(self, tickets: list[Ticket]) -> None:
        Ticket.objects.filter(pk=tickets[0].pk).update(description="plum")

        note_title_words()

        assert spans("plum") == "10010"
        assert not NewlyTitled.objects.exists()

    def test_divides_titles_again_when_there_are_twice_as_many(self, owner: User, tickets: list[Ticket]) -> None:
        for _ in range(20):
            last = make_ticket(owner, title="z", description="plum")
        # Ids of other tests come before these.
        TitleSpans.objects.update(divided_id=last.pk // 2 - 1)

        note_title_words()

        assert TitleSpans.objects.get().first_titles == ["b", "d", "f", "h", "z"]
        assert spans("plum") == "000101"

    def test_goes_on_step_by_step(self, tickets: list[Ticket], monkeypatch: pytest.MonkeyPatch) -> None:
        before = {word.beginning: word.spans for word in SpannedWord.objects.all()}
        TitleSpans.objects.update(last_id=tickets[0].pk - 1)
        SpannedWord.objects.all().delete()
        monkeypatch.setattr(title_spans, "STEP", 1)

        note_title_words()

        assert {word.beginning: word.spans for word in SpannedWord.objects.all()} == before

    def test_gives_up_while_others_are_changing_tickets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A ticket of a transaction that has not ended has an id that would be passed."""
        monkeypatch.setattr(title_spans, "MAX_WAIT", 100)
        with other_connection() as other:
            other.execute("SET lock_timeout = '3s'")
            other.execute("LOCK TABLE tickets_ticket IN ROW EXCLUSIVE MODE")

            assert not services.note_title_words()

        assert TitleSpans.objects.get().next_id == 0

    def test_does_nothing_without_tickets(self) -> None:
        note_title_words()

        assert TitleSpans.objects.get().first_titles == []


class TestSearch:
    def test_finds_the_tickets_of_all_spans(self, owner: User, tickets: list[Ticket]) -> None:
        assert search(owner, "apple") == ["a", "c", "d"]
        assert search(owner, "apple", FROM_Z) == ["d", "c", "a"]
        assert search(owner, "ap") == ["a", "c", "d"]
        assert search(owner, "p", FROM_Z) == ["g", "f", "e", "d", "b"]

    def test_finds_tickets_with_all_words(self, owner: User, tickets: list[Ticket]) -> None:
        assert search(owner, "apple pie") == ["d"]
        assert search(owner, "pie plum") == []
        assert search(owner, "nothing") == []

    @pytest.mark.parametrize(("place", "titles"), [("a", ["c", "d"]), ("b", ["c", "d"]), ("c", ["d"]), ("d", [])])
    def test_starts_after_a_position(self, place: str, titles: list[str], owner: User, tickets: list[Ticket]) -> None:
        after = (place, Ticket.objects.get(title=place).pk)

        assert search(owner, "apple", after=after) == titles
        assert search(owner, "apple", FROM_Z, after=after) == [each for each in "dca" if each < place]

    def test_starts_between_tickets_with_the_same_title(self, owner: User, tickets: list[Ticket]) -> None:
        same = [make_ticket(owner, title="d", description="apple").pk for _ in range(5)]
        for ordering, following in ((FROM_A, same[3:]), (FROM_Z, [*same[1::-1], tickets[3].pk, *[]])):
            with many_tickets(), even_matches():
                found = queries.tickets(
                    viewer=owner,
                    filter=TicketFilter(search="apple"),
                    ordering=ordering,
                    after=("d", same[2]),
                    limit=len(following),
                    at=NOON,
                )
            assert [row["id"] for row in found] == following

    def test_skips_titles_that_cannot_have_the_words(self, owner: User, tickets: list[Ticket]) -> None:
        (ranges,) = sql.rows("tickets/title_ranges", search="plum", after_title=None, is_descending=False, most=100)

        assert (ranges["starts"], ranges["ends"]) == (["f"], ["h"])
        # Of five spans, one. Ids have no gaps, as a rule.
        assert ranges["tickets"] == TitleSpans.objects.get().last_id // 5

    def test_joins_spans_that_follow_each_other(self, owner: User, tickets: list[Ticket]) -> None:
        (ranges,) = sql.rows("tickets/title_ranges", search="p", after_title=None, is_descending=True, most=100)

        assert (ranges["starts"], ranges["ends"]) == (["b"], ["h"])

    def test_finds_tickets_that_are_not_noted_yet(self, owner: User, tickets: list[Ticket]) -> None:
        make_ticket(owner, title="aa", description="plum")

        assert search(owner, "plum") == ["aa", "g"]

    def test_finds_tickets_that_have_been_changed(self, owner: User, tickets: list[Ticket]) -> None:
        Ticket.objects.filter(pk=tickets[0].pk).update(description="plum")
        Ticket.objects.filter(pk=tickets[6].pk).update(title="zz")

        assert search(owner, "plum") == ["a", "zz"]

    def test_finds_tickets_with_the_id_of_an_older_one(self, owner: User, tickets: list[Ticket]) -> None:
        """As an import in SQL may write them."""
        TitleSpans.objects.update(last_id=tickets[-1].pk + 10, next_id=tickets[-1].pk + 10)
        make_ticket(owner, title="aa", description="plum", pk=tickets[-1].pk + 5)

        assert search(owner, "plum") == ["aa", "g"]

    def test_finds_words_of_any_script_and_case(self, owner: User, tickets: list[Ticket]) -> None:
        make_ticket(owner, title="Äa", description="ПРИНТЕР сломан")
        make_ticket(owner, title="b", description="打印机坏了")
        note_title_words()

        assert search(owner, "принт") == ["Äa"]
        assert search(owner, "打印机") == ["b"]

    @pytest.mark.parametrize(
        "conditions", [{"venue": "Hall"}, {"type": "bug"}, {"status": "open", "priority": "low"}, {"labels": ("vip",)}]
    )
    def test_finds_tickets_that_meet_a_filter(
        self, conditions: dict[str, Any], owner: User, tickets: list[Ticket]
    ) -> None:
        make_ticket(owner, title="ab", description="plum", priority="low", type="bug", venue="Hall", labels=["vip"])
        make_ticket(owner, title="b", description="plum", priority="high", type="task", venue="", labels=[])

        assert search(owner, "plum", filter=conditions) == ["ab"]

    def test_keeps_tickets_from_those_who_may_not_see_them(
        self, owner: User, outsider: User, tickets: list[Ticket]
    ) -> None:
        psql("UPDATE projects_project SET visibility = 'involved'")

        assert search(owner, "plum") == ["g"]
        assert search(outsider, "plum") == []

    def test_does_not_use_spans_if_too_many_tickets_are_not_noted(
        self, owner: User, tickets: list[Ticket], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lists, "MAX_LATER", 1)
        for title in ("aa", "ab"):
            make_ticket(owner, title=title, description="plum")

        with many_tickets(), even_matches(), CaptureQueriesContext(connection) as captured:
            found = queries.tickets(viewer=owner, filter=TicketFilter(search="plum"), ordering=FROM_A, limit=9, at=NOON)

        assert [row["title"] for row in found] == ["aa", "ab", "g"]
        assert not any("unnest('{" in query["sql"] for query in captured)

    def test_does_not_use_spans_for_numbers(self, owner: User, tickets: list[Ticket]) -> None:
        with many_tickets(), even_matches():
            found = queries.tickets(viewer=owner, filter=TicketFilter(search="7"), ordering=FROM_A, limit=9, at=NOON)

        assert [row["title"] for row in found] == ["h"]

    def test_sorts_all_matches_if_the_walk_does_not_reach_them(
        self, owner: User, tickets: list[Ticket], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(70):
            make_ticket(owner, title="cc", description="apple", priority="low" if number == 60 else "high")
        monkeypatch.setattr(lists, "RANGE_WALK", 0)
        wanted = TicketFilter(search="apple", priority="low")

        with many_tickets(), even_matches():
            found = queries.tickets(viewer=owner, filter=wanted, ordering=FROM_A, limit=2, at=NOON)

        assert [row["title"] for row in found] == ["cc"]
