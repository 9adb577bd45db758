"""Lists of tickets against plain Python that filters and sorts, and searches against regular expressions."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unicodedata import combining, normalize
from unittest import mock

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.models import User
from accounts.tests.factories import make_user
from kit.dates import Span
from kit.db import sql
from projects.models import Project
from projects.tests.psql import planner_without, psql
from sla.models import Priority
from ticketing.settings import BASE_DIR
from tickets import queries, services
from tickets.models import (
    SORT_KEYS,
    TITLED_FIELDS,
    WEEKLY,
    WEEKLY_FIELDS,
    Assignment,
    Ordering,
    Queue,
    Status,
    Ticket,
    TitleSpans,
    weeks,
)
from tickets.queries import ASSIGNEE, Row, TicketFilter, lists
from tickets.services import title_spans
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
# In the middle of the times of the rows.
NOW = NOON + timedelta(hours=2)
# More than the table has, which keeps the pages that other tests have filled.
ALL_PAGES = 1_000_000
ORDERINGS = [Ordering(field, is_descending) for field in SORT_KEYS for is_descending in (False, True)]

per_example = settings(max_examples=40)
# Few different values, so that there are ties.
moments = st.integers(0, 4).map(lambda hours: NOON + timedelta(hours=hours))
rows = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["a", "A", "Ä", "b", "ab", "äb", "Ba"]),
        "status": st.sampled_from(Status.values),
        "priority": st.sampled_from(Priority.values),
        "type": st.sampled_from(["bug", "task"]),
        "venue": st.sampled_from(["", "Hall"]),
        "labels": st.sampled_from([[], ["a"], ["a", "b"]]),
        "created_at": moments,
        "updated_at": st.none() | moments,
        "due_at": st.none() | moments,
        "sla_due_at": moments,
        "closed_at": moments,
        "held_at": st.none() | moments,
        "creator": st.integers(0, 3),
        "assignee": st.none() | st.integers(0, 3),
        "is_for_everyone": st.booleans(),
    }
)
some_rows = st.lists(rows, max_size=10)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(Status.values),
        "priority": st.sampled_from(Priority.values),
        "type": st.sampled_from(["bug", "task", "concert"]),
        "venue": st.sampled_from(["", "Hall", "Elsewhere"]),
        "labels": st.sampled_from([("a",), ("a", "b"), ("c",)]),
        "sla": st.sampled_from(queries.SLA_STATES),
        "queue": st.sampled_from(Queue),
        "starts_at": moments,
        "ends_at": moments,
        "creator": st.integers(0, 3),
        "assignee": st.integers(0, 3),
        "is_for_everyone": st.booleans(),
    },
)
# Characters with a meaning in a tsquery, in LIKE, or to the parser (addresses, numbers, paths, signs).
texts = st.text(st.sampled_from("abeE01 -_%'.@/\\:*&|!()<>\"+,~\t\n"), max_size=12)


@pytest.fixture
def people(owner: User, assignee: User, outsider: User, agent: User) -> list[User]:
    """Three customers and an agent; examples refer to them by index."""
    return [owner, assignee, outsider, agent]


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo what an example writes before the next one."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def load(rows: list[dict[str, Any]], people: list[User]) -> list[dict[str, Any]]:
    """Insert the rows. Return them with ids and projects, and without the assignees of closed tickets."""
    general, helpdesk = (Project.objects.get(system_name=name) for name in ("general", "helpdesk"))
    loaded = []
    for row in rows:
        project = general if row["is_for_everyone"] else helpdesk
        others = {name: row[name] for name in row if name not in ("creator", "assignee", "is_for_everyone")}
        ticket = Ticket.objects.create(project=project, created_by=people[row["creator"]], **others)
        assignee = None if row["status"] == Status.CLOSED else row["assignee"]
        if assignee is not None:
            # As on creation, so that the version stays.
            user = people[assignee]
            Assignment.objects.create(ticket=ticket, user=user, slot=1, assigned_at=ticket.created_at)
        loaded.append(row | {"id": ticket.pk, "assignee": assignee, "project": project.pk})
    return loaded


def make_closed_tickets(owner: User) -> None:
    """Make enough closed tickets for PostgreSQL to prefer an index without them."""
    for _ in range(60):
        make_ticket(owner, status=Status.CLOSED)
    psql("ANALYZE tickets_ticket")


def folded(title: str) -> str:
    return "".join(each for each in normalize("NFD", title.lower()) if not combining(each))


def in_order(rows: list[dict[str, Any]], ordering: Ordering) -> list[int]:
    """Return the ids of the rows, sorted in Python."""

    def key(row: dict[str, Any]) -> Any:
        value = row[ordering.field]
        if ordering.field == "priority":
            return Priority.values.index(value), row["id"]
        return folded(value) if ordering.field == "title" else value, row["id"]

    dated = [row for row in rows if row[ordering.field] is not None]
    undated = [row for row in rows if row[ordering.field] is None]
    dated.sort(key=key, reverse=ordering.is_descending)
    undated.sort(key=lambda row: row["id"], reverse=ordering.is_descending)
    return [row["id"] for row in dated + undated]


def pages(viewer: User, wanted: TicketFilter, ordering: Ordering, limit: int) -> Iterator[list[Row]]:
    """Yield the pages of a list. The last one may be empty."""
    after = None
    while True:
        page = queries.tickets(viewer=viewer, filter=wanted, ordering=ordering, after=after, limit=limit, at=NOW)
        yield page
        if len(page) < limit:
            return
        after = queries.position(page[-1], ordering)


def position(ticket: Ticket, ordering: Ordering) -> tuple[Any, int]:
    return getattr(ticket, ordering.field), ticket.pk


@contextmanager
def many_tickets() -> Iterator[None]:
    """Find pages as if no walk along the next tickets filled them."""
    with mock.patch.multiple(lists._Page, _next_tickets=lambda *_: [], _is_whole=lambda *_: False):
        yield


@contextmanager
def common_words() -> Iterator[None]:
    """Find pages as if PostgreSQL expected many matches and no walk along the first tickets filled them."""
    walk = lists._Page._next_tickets

    def next_tickets(page: lists._Page, length: int) -> list[Row]:
        return walk(page, length) if length == lists.SHORT_WALK else []

    names: dict[str, Any] = {"_next_tickets": next_tickets, "_is_whole": lambda *_: False, "_walk": 1}
    with (
        mock.patch.multiple(lists._Page, **names),
        mock.patch.multiple(lists, MANY=0, FEW=0, SAMPLED_PAGES=ALL_PAGES, ENTRIES_PER_TICKET=float("inf")),
        mock.patch.object(lists, "_has_many", return_value=True),
    ):
        yield


def even_matches() -> Any:
    """Walk in spans of titles as if PostgreSQL expected the page to be filled soon."""
    return mock.patch.object(lists._Page, "_expected", 1_000_000)


def note_title_words() -> None:
    """Note the words of all tickets, in spans of two tickets."""
    with mock.patch.multiple(title_spans, SPAN=2, MAX_WAIT=60_000):
        assert services.note_title_words()


def whole_words() -> Any:
    """Look words up as if PostgreSQL expected few tickets with longer ones."""
    return mock.patch.multiple(lists._Page, _looks_up_words=lambda _: True, _are_whole=lambda _: True)


def longer_words() -> Any:
    """Look words up as if PostgreSQL expected many tickets with longer ones."""
    return mock.patch.multiple(lists._Page, _looks_up_words=lambda _: True, _are_whole=lambda _: False)


def words_without_index() -> Any:
    """Test words as if PostgreSQL expected few tickets that meet the other conditions."""
    return mock.patch.object(lists._Page, "_looks_up_words", return_value=False)


@contextmanager
def short_walks() -> Iterator[None]:
    """Find pages by walks of one ticket, then three, and then two more for the rest of a page."""
    with (
        mock.patch.multiple(lists, WALK=3, SLOW_WALK=2, NEARLY_ALL=0.01),
        mock.patch.multiple(lists._Page, _walk=1, _may_go_on=lambda *_: True, _is_whole=lambda *_: False),
    ):
        yield


def generic_plan(*, of: str) -> str:
    """Return how PostgreSQL runs a statement that this connection has prepared, whatever its parameters."""
    ((name, number),) = psql(
        "SELECT name, cardinality(parameter_types) FROM pg_prepared_statements"
        r" WHERE regexp_replace(statement, '\$\d+', '', 'g') = %(text)s",
        text=re.sub(r"%\(\w+\)s", "", sql.text(of)),
    )
    return "\n".join(line for (line,) in psql(f"EXPLAIN EXECUTE {name} ({', '.join(['NULL'] * number)})"))


def plan(
    statement: str,
    wanted: TicketFilter,
    ordering: Ordering,
    viewer: User,
    after: tuple[Any, int] | None = None,
    **parameters: Any,
) -> str:
    """Return how PostgreSQL runs a statement that it plans with its parameters."""
    page = lists._Page(viewer=viewer, filter=wanted, ordering=ordering, after=after, stop=20, at=NOON)
    others = {"row_limit": 20, "walk": 2000, "are_whole": False, "looks_up_words": True} | parameters
    lines = psql(f"EXPLAIN {sql.text(f'tickets/{statement}')}", **page._parameters() | others)
    return "\n".join(line for (line,) in lines)


def statement(ordering: Ordering) -> str:
    return f"by_{ordering.field}{'_desc' if ordering.is_descending else ''}"


def found(viewer: User, wanted: TicketFilter, ordering: Ordering = ORDERINGS[0], limit: int = 100) -> list[int]:
    return [ticket["id"] for page in pages(viewer, wanted, ordering, limit) for ticket in page]


def search(agent: User, text: str) -> list[int]:
    ids = found(agent, TicketFilter(search=text))
    with many_tickets(), whole_words():
        assert found(agent, TicketFilter(search=text)) == ids
    return ids


class TestPages:
    @pytest.mark.slow
    @per_example
    @given(rows=some_rows, limit=st.integers(1, 4))
    def test_list_every_ticket_once_and_in_order(
        self, rows: list[dict[str, Any]], limit: int, people: list[User]
    ) -> None:
        *_, agent = people
        with rolled_back():
            loaded = load(rows, people)

            ids = [found(agent, TicketFilter(), ordering, limit) for ordering in ORDERINGS]
            with many_tickets():
                ids += [found(agent, TicketFilter(), ordering, limit) for ordering in ORDERINGS]

        assert ids == [in_order(loaded, ordering) for ordering in ORDERINGS] * 2

    @pytest.mark.slow
    @per_example
    @given(
        rows=some_rows,
        wanted=conditions,
        limit=st.integers(1, 4),
        viewer=st.integers(0, 3),
        by=st.sampled_from(ORDERINGS),
    )
    def test_list_the_visible_tickets_that_match(
        self,
        rows: list[dict[str, Any]],
        wanted: dict[str, Any],
        limit: int,
        viewer: int,
        by: Ordering,
        people: list[User],
    ) -> None:
        with rolled_back():
            loaded = load(rows, people)

            ids = found(people[viewer], self.filter_of(wanted, people), by, limit)
            with many_tickets():
                ids_of_many = found(people[viewer], self.filter_of(wanted, people), by, limit)

        matching = [row for row in loaded if self.is_visible(row, viewer) and self.is_wanted(row, wanted, viewer)]
        assert ids == ids_of_many == in_order(matching, by)

    @pytest.mark.slow
    @per_example
    @given(
        rows=st.lists(rows, min_size=6, max_size=14),
        days=st.lists(st.integers(0, 40), min_size=14, max_size=14),
        bounds=st.tuples(st.none() | st.integers(0, 20), st.none() | st.integers(20, 40)),
        viewer=st.integers(0, 3),
        by=st.sampled_from([ordering for ordering in ORDERINGS if ordering.field in WEEKLY_FIELDS]),
    )
    def test_of_a_span_are_put_together_from_its_weeks(
        self,
        rows: list[dict[str, Any]],
        days: list[int],
        bounds: tuple[int | None, int | None],
        viewer: int,
        by: Ordering,
        people: list[User],
    ) -> None:
        rows = [row | {"created_at": NOON + timedelta(days=day)} for row, day in zip(rows, days, strict=False)]
        starts_at, ends_at = (None if day is None else NOON + timedelta(days=day) for day in bounds)
        with rolled_back():
            loaded = load(rows, people)

            with many_tickets():
                ids = found(people[viewer], TicketFilter(span=Span(starts_at, ends_at)), by, 1)

        wanted = {"starts_at": starts_at or NOON, "ends_at": ends_at or NOON + timedelta(days=41)}
        matching = [row for row in loaded if self.is_visible(row, viewer) and self.is_wanted(row, wanted, viewer)]
        assert ids == in_order(matching, by)

    @pytest.mark.slow
    @per_example
    @given(
        rows=some_rows,
        wanted=conditions,
        limit=st.integers(1, 4),
        viewer=st.integers(0, 3),
        by=st.sampled_from(ORDERINGS),
        text=st.sampled_from(["a", "b", "ab", "ba", "zebra"]),
    )
    def test_of_a_search_are_the_visible_tickets_with_the_words(
        self,
        rows: list[dict[str, Any]],
        wanted: dict[str, Any],
        limit: int,
        viewer: int,
        by: Ordering,
        text: str,
        people: list[User],
    ) -> None:
        with rolled_back():
            half = len(rows) // 2
            loaded = load(rows[:half], people)
            note_title_words()
            loaded += load(rows[half:], people)
            wanted_words = replace(self.filter_of(wanted, people), search=text)

            with many_tickets(), even_matches():
                ids_in_titles = found(people[viewer], wanted_words, by, limit)
            TitleSpans.objects.all().delete()
            ids = found(people[viewer], wanted_words, by, limit)
            with many_tickets(), longer_words():
                ids_of_many = found(people[viewer], wanted_words, by, limit)
            with many_tickets(), whole_words():
                ids_of_whole_words = found(people[viewer], wanted_words, by, limit)
            with common_words(), whole_words():
                ids_of_common_words = found(people[viewer], wanted_words, by, limit)
            with many_tickets(), words_without_index():
                ids_of_tested_words = found(people[viewer], wanted_words, by, limit)
            with short_walks():
                ids_of_walks = found(people[viewer], wanted_words, by, limit)

        matching = [row for row in loaded if self.is_visible(row, viewer) and self.is_wanted(row, wanted, viewer)]
        matching = [row for row in matching if folded(row["title"]).startswith(text)]
        assert ids == ids_of_many == ids_of_whole_words == ids_of_common_words == in_order(matching, by)
        assert ids == ids_in_titles == ids_of_tested_words == ids_of_walks

    def filter_of(self, wanted: dict[str, Any], people: list[User]) -> TicketFilter:
        same: dict[str, Any] = {
            name: wanted[name]
            for name in ("status", "priority", "type", "venue", "labels", "sla", "queue")
            if name in wanted
        }
        if "is_for_everyone" in wanted:
            name = "general" if wanted["is_for_everyone"] else "helpdesk"
            same["project_id"] = Project.objects.get(system_name=name).pk
        for role, field in (("creator", "created_by_id"), ("assignee", "assignee_id")):
            if role in wanted:
                same[field] = people[wanted[role]].pk
        return TicketFilter(span=Span(wanted.get("starts_at"), wanted.get("ends_at")), **same)

    def is_visible(self, row: dict[str, Any], viewer: int) -> bool:
        is_staff = viewer == 3
        return is_staff or row["is_for_everyone"] or viewer in (row["creator"], row["assignee"])

    def is_wanted(self, row: dict[str, Any], wanted: dict[str, Any], viewer: int) -> bool:
        same = wanted.keys() - {"starts_at", "ends_at", "sla", "labels", "queue"}
        return (
            all(row[name] == wanted[name] for name in same)
            and set(wanted.get("labels", ())) <= set(row["labels"])
            and ("starts_at" not in wanted or row["created_at"] >= wanted["starts_at"])
            and ("ends_at" not in wanted or row["created_at"] < wanted["ends_at"])
            and ("sla" not in wanted or wanted["sla"] == self.state_of(row))
            and ("queue" not in wanted or self.is_in(wanted["queue"], row, viewer))
        )

    def is_in(self, queue: Queue, row: dict[str, Any], viewer: int) -> bool:
        if queue in (Queue.CLOSED, Queue.ALL):
            return queue == Queue.ALL or row["status"] == Status.CLOSED
        if row["status"] == Status.CLOSED:
            return False
        return {
            Queue.MINE: row["assignee"] == viewer,
            Queue.UNASSIGNED: row["assignee"] is None,
            Queue.ACTIVE: True,
        }.get(queue, self.state_of(row) == queue)

    def state_of(self, row: dict[str, Any]) -> str:
        if row["status"] == Status.CLOSED:
            return "met" if row["closed_at"] <= row["sla_due_at"] else "missed"
        if row["held_at"]:
            return "on-hold"
        warn_at = row["created_at"] + 0.8 * (row["sla_due_at"] - row["created_at"])
        return "breached" if row["sla_due_at"] < NOW else "at-risk" if warn_at < NOW else "ok"

    def test_are_the_same_for_any_length_of_the_walk(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """Finds rare matches within the walk and beyond it."""
        tickets = [make_ticket(owner, title="rare" if number % 9 == 0 else "common") for number in range(40)]
        wanted = TicketFilter(search="rare")

        ids = []
        for walk in (1, 12, 40):
            monkeypatch.setattr(lists._Page, "_walk", walk)
            ids.append(found(owner, wanted, limit=2))

        assert ids == [[ticket.pk for ticket in tickets[::9]]] * 3

    @pytest.mark.parametrize("ordering", ORDERINGS, ids=str)
    def test_are_found_in_one_walk_at_the_end_of_the_list(self, ordering: Ordering, owner: User) -> None:
        """Otherwise the last page would read all matches."""
        for number in range(12):
            make_ticket(owner, title="rare" if number % 4 == 0 else "common")
        wanted = TicketFilter(search="rare")
        *_, last = found(owner, wanted, ordering)
        after = position(Ticket.objects.get(pk=last), ordering)

        with CaptureQueriesContext(connection) as captured:
            page = queries.tickets(viewer=owner, filter=wanted, ordering=ordering, after=after, limit=5, at=NOON)

        # The tickets, and whether there are more to walk along.
        assert (page, len(captured)) == ([], 2)

    @pytest.mark.parametrize("ordering", ORDERINGS, ids=str)
    def test_are_filled_from_the_index_of_their_order(self, ordering: Ordering, owner: User) -> None:
        """A position is one step into the index. Nothing is sorted, nor read by processes that would mix the rows."""
        make_closed_tickets(owner)
        with planner_without("seqscan", "bitmapscan", "sort", "incremental_sort"):
            psql("DISCARD PLANS")
            queries.tickets(viewer=owner, filter=TicketFilter(), ordering=ordering, limit=5, at=NOON)
            plan = generic_plan(of=f"tickets/{statement(ordering)}")

        assert re.search(rf"Index Scan (Backward )?using ticket_{ordering.field}.*\n *Index Cond: \(*ROW\(", plan)
        # For the assignees of each ticket.
        assert set(re.findall("Sort Key: .*", plan)) <= {"Sort Key: assignment.id"}
        assert "Gather" not in plan

    def test_of_a_status_are_filled_from_its_index(self, owner: User) -> None:
        make_closed_tickets(owner)
        self.drop_other_indexes("ticket_by_status")
        with planner_without("seqscan", "bitmapscan", "sort", "incremental_sort"):
            psql("DISCARD PLANS")
            wanted = TicketFilter(status=Status.CLOSED, priority="medium")
            queries.tickets(viewer=owner, filter=wanted, ordering=Ordering(), limit=5, at=NOON)
            plan = generic_plan(of="tickets/of_status")

        assert re.search(r"using ticket_by_status .*\n *Index Cond: \(+status\)::text = \$1\) AND \(ROW", plan)

    @pytest.mark.parametrize("is_descending", [False, True])
    def test_of_a_priority_are_walked_to_at_once(self, is_descending: bool, owner: User) -> None:
        """Those with other priorities may all come first."""
        tickets = [make_ticket(owner, priority=priority) for priority in ("low", "medium", "high") for _ in range(3)]
        by_priority = Ordering("priority", is_descending)

        with CaptureQueriesContext(connection) as captured:
            for start in (0, 3, 6):
                wanted = TicketFilter(priority=tickets[start].priority)
                ids = [ticket["id"] for ticket in next(pages(owner, wanted, by_priority, limit=3))]
                assert sorted(ids) == [ticket.pk for ticket in tickets[start : start + 3]]

        assert len(captured) == 3

    @pytest.mark.parametrize(("is_descending", "wanted", "after"), [(False, "high", "low"), (True, "low", "high")])
    def test_of_a_priority_are_walked_to_from_a_position_among_others(
        self, is_descending: bool, wanted: str, after: str, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As when a client adds the filter and keeps the cursor."""
        monkeypatch.setattr(lists._Page, "_walk", 3)
        tickets = [make_ticket(owner, priority=priority) for priority in ("low", "medium", "high") for _ in range(3)]
        page: dict[str, Any] = {
            "filter": TicketFilter(priority=wanted),
            "ordering": Ordering("priority", is_descending),
            "limit": 3,
        }
        others = [ticket.pk for ticket in tickets if ticket.priority == after]

        with CaptureQueriesContext(connection) as captured:
            found = queries.tickets(viewer=owner, after=(after, others[1]), at=NOON, **page)

        assert {ticket["priority"] for ticket in found} == {wanted}
        assert (len(found), len(captured)) == (3, 1)

    @pytest.mark.parametrize("ordering", ORDERINGS, ids=str)
    def test_end_where_the_index_of_their_order_ends(self, ordering: Ordering, owner: User) -> None:
        make_closed_tickets(owner)
        after = position(make_ticket(owner, due_at=NOON, updated_at=NOON), ordering)
        with planner_without("seqscan", "bitmapscan", "sort", "incremental_sort"):
            ends = plan("walk_ends", TicketFilter(), ordering, owner, after)

        assert re.search(rf"Index Only Scan (Backward )?using ticket_{ordering.field}.*\n *Index Cond: \(*ROW\(", ends)

    @pytest.mark.parametrize("ordering", ORDERINGS, ids=str)
    def test_that_are_sorted_are_not_looked_up_in_order(self, ordering: Ordering, owner: User, agent: User) -> None:
        """PostgreSQL would read half of the order's index, and intersect it with that of a venue or of words."""
        make_closed_tickets(owner)
        after = position(make_ticket(owner, due_at=NOON, updated_at=NOON), ordering)
        with planner_without("seqscan"):
            lines = plan("sorted", TicketFilter(), ordering, agent, after)

        assert re.search("Scan .*on tickets_ticket ", lines)
        assert not re.search(r"Cond: .*(ROW\(|CASE|_at\b|title_key)", lines)

    @pytest.mark.parametrize(
        ("field", "indexes"),
        [("due_at", ["ticket_missed_due_at", "ticket_missed_due_at_desc"]), ("created_at", ["ticket_sla_met"])],
    )
    @pytest.mark.parametrize("is_descending", [False, True])
    def test_that_missed_their_deadline_are_walked_to_by_date(
        self, field: str, indexes: list[str], is_descending: bool, owner: User
    ) -> None:
        """The first tickets by a date may all have met their deadline, or are too new to have missed it."""
        by_date = Ordering(field, is_descending)
        make_closed_tickets(owner)
        self.drop_other_indexes(*indexes)
        with planner_without("sort", "incremental_sort", "seqscan", "bitmapscan"):
            walk = plan(statement(by_date), TicketFilter(), by_date, owner, (NOON, 1), is_missed=True)

        assert re.search(rf"using ({'|'.join(indexes)}) on .*\n *Index Cond: .*ROW\(", walk)

    @pytest.mark.parametrize("ordering", [Ordering("due_at", is_descending=False), Ordering("created_at")])
    def test_that_missed_their_deadline_are_found_at_once(
        self, ordering: Ordering, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lists._Page, "_walk", 5)
        for number in range(20):
            # Both orders begin with those that met it.
            created_at, due_at = NOON - timedelta(days=number), NOON + timedelta(days=number)
            closed_at = created_at + timedelta(days=2 if number > 14 else 0)
            make_ticket(owner, created_at=created_at, due_at=due_at, status=Status.CLOSED, closed_at=closed_at)

        with CaptureQueriesContext(connection) as captured:
            first = next(pages(owner, TicketFilter(sla="missed"), ordering, limit=5))

        assert len(first) == 5
        assert len(captured) == 1

    @pytest.mark.parametrize("name", TITLED_FIELDS)
    @pytest.mark.parametrize("is_descending", [False, True])
    def test_walk_along_the_titles_of_one_type_venue_or_project(
        self, name: str, is_descending: bool, owner: User
    ) -> None:
        """Otherwise `type=bug` would sort every bug, since the first titles are all of other types."""
        by_title = Ordering("title", is_descending)
        make_closed_tickets(owner)
        walked: dict[str, Any] = {f"walked_{each}": None for each in TITLED_FIELDS}
        walked[f"walked_{name}"] = 999 if name == "project" else "bug"
        with planner_without("sort", "incremental_sort", "seqscan", "bitmapscan"):
            walk = plan(statement(by_title), TicketFilter(), by_title, owner, ("a", 1), **walked)

        assert re.search(rf"using ticket_{name}_title on .*\n *Index Cond: .*{name}.* AND \(ROW\(", walk)

    def test_of_a_type_by_title_are_walked_to_at_once(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lists._Page, "_walk", 5)
        for number in range(20):
            make_ticket(owner, title=f"Ticket {number:02}", type="bug" if number > 14 else "task")

        with CaptureQueriesContext(connection) as captured:
            first = next(pages(owner, TicketFilter(type="bug"), Ordering("title", is_descending=False), limit=5))

        assert [ticket["title"] for ticket in first] == [f"Ticket {number}" for number in range(15, 20)]
        assert len(captured) == 1

    @pytest.mark.parametrize("is_descending", [False, True])
    @pytest.mark.parametrize("field", sorted(WEEKLY_FIELDS))
    def test_of_a_span_are_found_in_one_statement(self, field: str, is_descending: bool, owner: User) -> None:
        """Walking past all others, or sorting all of a long span, would take longer."""
        self.make_tickets_far_down_every_order(owner)
        wanted = TicketFilter(span=Span(NOON + WEEK, None))

        with many_tickets(), CaptureQueriesContext(connection) as captured:
            queries.tickets(viewer=owner, filter=wanted, ordering=Ordering(field, is_descending), limit=1, at=NOON)

        assert "generate_series" in captured[-1]["sql"]

    def make_tickets_far_down_every_order(self, owner: User) -> None:
        """Make tickets in two weeks, and older ones that precede them in every order but that of creation."""
        for priority, days, created_at in [
            *[("low", 20, NOON)] * 5,
            ("medium", 30, NOON + WEEK),
            ("medium", 30, NOON + 2 * WEEK),
            *[("high", 40, NOON)] * 5,
        ]:
            at = NOON + timedelta(days=days)
            make_ticket(owner, created_at=created_at, priority=priority, due_at=at, updated_at=at)

    @pytest.mark.parametrize("ordering", WEEKLY.values(), ids=str)
    def test_walk_along_the_index_of_a_week(self, ordering: Ordering, owner: User) -> None:
        make_closed_tickets(owner)
        self.drop_other_indexes(*(f"ticket_weekly_{name}" for name in WEEKLY))
        span = Span(NOON - timedelta(days=1), NOON)
        (week,) = weeks(NOON - timedelta(days=1), NOON)
        with planner_without("seqscan", "bitmapscan", "sort", "incremental_sort"):
            walk = plan("of_weeks", TicketFilter(span=span), ordering, owner, first_week=week, last_week=week)

        assert re.search(r"Index Only Scan (Backward )?using ticket_weekly_.*\n *Index Cond: .* AND \(ROW\(", walk)

    @pytest.mark.parametrize(
        ("wanted", "index"),
        [
            (TicketFilter(span=Span(NOON, None)), "ticket_created_at"),
            (TicketFilter(span=Span(NOON, None), status=Status.CLOSED), "ticket_created_at"),
            (TicketFilter(sla="breached", priority="high"), "ticket_unclosed"),
            (TicketFilter(status=Status.OPEN, type="bug", venue="Hall"), "ticket_unclosed"),
            (TicketFilter(sla="missed", priority="high"), "ticket_sla_met"),
            (TicketFilter(project_id=1, type="bug"), "ticket_project"),
            (TicketFilter(venue="Hall", type="bug"), "ticket_venue"),
            (TicketFilter(created_by_id=1, status=Status.CLOSED), "ticket_creator"),
        ],
        ids=["span", "span and status", "breached", "open", "missed", "project", "venue", "creator"],
    )
    @pytest.mark.parametrize("field", ["due_at", "updated_at", "priority"])
    def test_are_sorted_from_an_index_alone(
        self, field: str, wanted: TicketFilter, index: str, owner: User, agent: User
    ) -> None:
        """Thousands of tickets would take too long to fetch only to sort them."""
        make_closed_tickets(owner)
        self.drop_other_indexes(index)
        for viewer in (owner, agent):
            with planner_without("seqscan", "bitmapscan"):
                found = plan("sorted", wanted, Ordering(field), viewer)

            assert f"Index Only Scan using {index} on" in found

    @pytest.mark.parametrize("ordering", ORDERINGS, ids=str)
    def test_of_an_assignee_are_looked_up_one_by_one(self, ordering: Ordering, owner: User) -> None:
        """A hash join would read all tickets."""
        make_closed_tickets(owner)
        with planner_without("seqscan", "bitmapscan", "nestloop"):
            found = plan("involving", TicketFilter(), ordering, owner, user_id=owner.pk, creator_id=owner.pk)

        # With few assignments, PostgreSQL reads another index just as fast.
        assert re.search(r"Index (Only )?Scan using assignment_\w+ on tickets_assignment", found)
        assert re.search(r"Index (Only )?Scan using .* on tickets_ticket .*\n *Index Cond: \(id = .*ticket_id\)", found)

    def test_with_a_word_that_is_not_rare_are_walked_to(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """Looking up a common word in its index takes longer."""
        monkeypatch.setattr(lists._Page, "_walk", 5)
        for number in range(20):
            make_ticket(owner, title="word" if number % 5 == 0 else "other")

        with CaptureQueriesContext(connection) as captured:
            first = next(pages(owner, TicketFilter(search="word"), Ordering(), limit=3))

        assert len(first) == 3
        # Two walks, and in between, whether the first one reached the end.
        assert len(captured) == 3

    def test_with_a_word_end_where_the_second_walk_ends(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lists._Page, "_walk", 5)
        for number in range(20):
            make_ticket(owner, title="word" if number % 5 == 0 else "other")

        with CaptureQueriesContext(connection) as captured:
            first = next(pages(owner, TicketFilter(search="word"), Ordering(), limit=5))

        assert len(first) == 4
        # Two walks, and after each, whether it reached the end.
        assert len(captured) == 4

    @pytest.mark.parametrize("is_descending", [False, True])
    def test_with_common_words_are_found_in_a_range_of_titles(self, is_descending: bool, owner: User) -> None:
        """Fetching all tickets with the words, only to sort them, would take longer."""
        by_title = Ordering("title", is_descending)
        titles = [f"{place} word" for place in "abcdefghijkl"]
        tickets = in_order([{"title": title, "id": make_ticket(owner, title=title).pk} for title in titles], by_title)
        page: dict[str, Any] = {"filter": TicketFilter(search="word"), "ordering": by_title, "limit": 3}

        with common_words(), CaptureQueriesContext(connection) as captured:
            first = queries.tickets(viewer=owner, at=NOON, **page)
        second_after = queries.position(first[-1], by_title)
        with common_words():
            second = queries.tickets(viewer=owner, at=NOON, after=second_after, **page)

        assert [ticket["id"] for ticket in first + second] == tickets[:6]
        in_range = next(query["sql"] for query in captured if "title_key >= (\n" in query["sql"])
        # The range begins or ends with the fourth title, which is the third one after the first ticket.
        assert f"'{'i' if is_descending else 'd'} word'" in in_range

    def test_in_a_range_of_titles_are_expected_to_be_few(self, owner: User) -> None:
        """Otherwise PostgreSQL would fetch all tickets with the words, and not intersect two indexes."""
        make_closed_tickets(owner)
        self.drop_other_indexes("ticket_title_order")
        with planner_without("seqscan", "indexscan", "indexonlyscan"):
            lines = plan("of_titles", TicketFilter(search="fix"), Ordering("title"), owner, until_title=None)

        assert re.search(
            r"Bitmap Index Scan on ticket_title_order .* rows=1 .*\n"
            r" *Index Cond: \(\(title_key >= (\$|\(InitPlan).* AND \(title_key <= (\$|\(InitPlan)",
            lines,
        )

    def test_in_a_range_of_titles_are_sought_again_if_they_have_changed(self, owner: User) -> None:
        """Between the sample and the search, tickets may have lost the words."""
        tickets = [make_ticket(owner, title=f"{place} word") for place in "abcdefgh"]
        by_title = Ordering("title", is_descending=False)
        page: dict[str, Any] = {"filter": TicketFilter(search="word"), "ordering": by_title, "limit": 3}

        with common_words(), mock.patch.object(lists._Page, "_until_title", return_value="b word"):
            found = queries.tickets(viewer=owner, at=NOON, **page)

        assert [ticket["id"] for ticket in found] == [ticket.pk for ticket in tickets[:3]]

    @pytest.mark.parametrize(
        ("after", "limit", "sample"),
        [
            (None, 2, ("a word", "c word", 4, 3, 2)),
            (None, 4, ("a word", "x word", 4, 6, 4)),
            (None, 5, ("a word", None, 4, 6, 4)),
            ("a word", 2, ("c word", "d word", 4, 3, 2)),
            ("d word", 1, ("x word", "x word", 4, 2, 1)),
            ("y", 1, (None, None, 4, 0, 0)),
        ],
    )
    def test_are_sampled(self, after: str | None, limit: int, sample: tuple[Any, ...], owner: User) -> None:
        titles = ["a word", "b", "c word", "d word", "e", "x word"]
        ids = {title: make_ticket(owner, title=title).pk for title in titles}
        position = (after, ids.get(after, 1)) if after else None
        by_title = Ordering("title", is_descending=False)
        page = lists._Page(
            viewer=owner, filter=TicketFilter(search="word"), ordering=by_title, after=position, stop=limit, at=NOON
        )

        found = sql.row("tickets/sample", **page._parameters(), row_limit=limit, pages=ALL_PAGES)

        first, until, *numbers = sample
        assert found == {
            "first_title": first,
            "first_id": ids.get(first),
            "until_title": until,
            **dict(zip(["with_words", "in_range", "in_range_with_words"], numbers, strict=True)),
        }

    def test_with_whole_words_are_looked_up_twice(self, owner: User) -> None:
        """PostgreSQL looks up the words as they are, and longer ones, and compares what it finds with the search."""
        make_closed_tickets(owner)
        self.drop_other_indexes("ticket_search")
        with planner_without("seqscan", "indexscan", "indexonlyscan"):
            lines = plan("sorted", TicketFilter(search="fix car"), Ordering(), owner, are_whole=True)

        found = re.findall(r"Scan on ticket_search .*\n *Index Cond: \(search @@ (.*)'::tsquery\)", lines)
        assert "BitmapOr" in lines
        assert [query[:16] for query in found] == ["'''car'' & ''fix", "'''~car'' | ''ca"]

    def test_with_labels_are_looked_up_unless_their_index_takes_longer(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Common labels are tested faster on the tickets of a venue than found in the index of labels."""
        monkeypatch.setattr(lists, "MANY", 50)
        for number in range(100):
            make_ticket(owner, venue="Hall", labels=["common", "rare"] if number == 3 else ["common"])
        psql("ANALYZE tickets_ticket")
        wanted: list[dict[str, Any]] = [
            {"labels": ("common",)},
            {"labels": ("common",), "venue": "Hall"},
            {"labels": ("common",), "created_by_id": owner.pk},
            {"labels": ("rare",), "venue": "Hall"},
        ]

        looked_up = [
            lists._Page(
                viewer=owner, filter=TicketFilter(**each), ordering=Ordering(), after=None, stop=20, at=NOON
            )._looks_up_labels()
            for each in wanted
        ]

        assert looked_up == [True, False, False, True]

    @pytest.mark.parametrize("looks_up_labels", [False, True])
    def test_with_labels_use_their_index_only_if_asked_to(self, looks_up_labels: bool, owner: User) -> None:
        wanted = TicketFilter(labels=("a",), venue="Hall")
        self.drop_other_indexes("ticket_labels")
        with planner_without("seqscan", "indexscan", "indexonlyscan"):
            lines = plan("sorted", wanted, Ordering(), owner, looks_up_labels=looks_up_labels)

        assert ("Scan on ticket_labels" in lines) == looks_up_labels

    def test_are_expected_to_have_whole_words_by_the_statistics(self, owner: User) -> None:
        others = " ".join(f"other{number}" for number in range(100))
        for number in range(100):
            make_ticket(owner, title="print printer", description=others if number % 2 else f"{others} printing")
        psql("ANALYZE tickets_ticket")
        words = ["printer", "print", "pri", "other5 printer", "other printer"]

        whole = [
            word
            for word in words
            if lists._Page(
                viewer=owner, filter=TicketFilter(search=word), ordering=Ordering(), after=None, stop=20, at=NOON
            )._are_whole()
        ]

        assert whole == ["printer", "print", "other5 printer"]

    def test_are_expected_by_the_statistics(self, owner: User) -> None:
        # PostgreSQL trusts its statistics if they have a hundred words.
        others = " ".join(f"other{number}" for number in range(100))
        for number in range(100):
            make_ticket(owner, title="rare" if number % 50 == 0 else "common", description=others)
        psql("ANALYZE tickets_ticket")
        by_title = Ordering("title")

        expected = {
            word: lists._Page(
                viewer=owner, filter=TicketFilter(search=word), ordering=by_title, after=None, stop=20, at=NOON
            )._expected
            for word in ("common", "rare")
        }

        assert expected["common"] > 90
        assert expected["rare"] < 10

    @pytest.mark.parametrize("ordering", ORDERINGS, ids=str)
    def test_with_common_words_and_an_assignee_are_looked_at_in_order(self, ordering: Ordering, owner: User) -> None:
        """The tickets of an assignee are sorted by an index alone, and then fetched until the page is full."""
        make_closed_tickets(owner)
        wanted = TicketFilter(search="fix", assignee_id=owner.pk)
        with planner_without("seqscan", "bitmapscan"):
            lines = plan("involving_in_order", wanted, ordering, owner, user_id=owner.pk)

        assert re.search(r"CTE assigned\n *->  Sort ", lines)
        assert re.search(r"\n  ->  Nested Loop .*\n *->  CTE Scan on assigned", lines)
        assert re.search(r"using .* on tickets_ticket .*\n *Index Cond: \(.*id = assignment.ticket_id\)", lines)

    @pytest.mark.parametrize("ordering", ORDERINGS, ids=str)
    def test_with_common_words_and_an_assignee_are_in_order(self, ordering: Ordering, owner: User) -> None:
        rows = []
        for number in range(9):
            at = NOON + timedelta(hours=number * 5 % 9)
            row: dict[str, Any] = {
                "title": f"{number * 2 % 9} {'other' if number % 4 == 3 else 'word'}",
                "priority": Priority.values[number % 3],
                "created_at": at,
                "updated_at": at + timedelta(days=number * 4 % 9),
                "due_at": at + timedelta(days=number * 7 % 9) if number % 3 else None,
            }
            ticket = make_ticket(owner, **row)
            is_assigned = number != 4
            if is_assigned:
                # As on creation, so that the ticket stays as it is.
                Assignment.objects.create(ticket=ticket, user=owner, slot=1, assigned_at=at)
            rows.append(row | {"id": ticket.pk, "is_assigned": is_assigned})

        with common_words():
            ids = found(owner, TicketFilter(search="word", assignee_id=owner.pk), ordering, limit=2)

        assert ids == in_order([row for row in rows if row["is_assigned"] and "word" in row["title"]], ordering)

    def test_with_rare_words_and_an_assignee_are_found_by_the_words(self, owner: User) -> None:
        """Looking at each of the assignee's tickets would take longer."""
        tickets = [make_ticket(owner, title="rare" if number == 4 else "common") for number in range(6)]
        for ticket in tickets:
            assign(ticket, owner)
        wanted = TicketFilter(search="rare", assignee_id=owner.pk)

        with (
            many_tickets(),
            mock.patch.object(lists, "_has_many", return_value=True),
            CaptureQueriesContext(connection) as captured,
        ):
            ids = found(owner, wanted)

        assert ids == [tickets[4].pk]
        assert not any("WITH assigned" in query["sql"] or "involving" in query["sql"] for query in captured)

    def test_of_a_busy_assignee_are_walked_to(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        tickets = [make_ticket(owner) for _ in range(6)]
        for ticket in tickets[1::2]:
            assign(ticket, owner)
        wanted = TicketFilter(assignee_id=owner.pk)
        monkeypatch.setattr(lists, "_has_many", lambda _: True)

        for by in ORDERINGS:
            assert sorted(found(owner, wanted, by, limit=2)) == [ticket.pk for ticket in tickets[1::2]]

    def drop_other_indexes(self, *names: str) -> None:
        """Drop the indexes that PostgreSQL might prefer for a few tickets, but not for a million."""
        others = [index.name for index in Ticket._meta.indexes if index.name not in names]
        psql(f"DROP INDEX {', '.join(others)}")

    def test_of_a_hidden_project_are_only_those_that_involve_the_viewer(self, owner: User, outsider: User) -> None:
        """A customer's list does not look through all tickets of a project that only those involved can see."""
        hidden = Project.objects.get(system_name="helpdesk")
        for number in range(9):
            make_ticket(outsider if number == 4 else owner, project=hidden)
        wanted = TicketFilter(project_id=hidden.pk)

        with many_tickets(), CaptureQueriesContext(connection) as captured:
            page = queries.tickets(viewer=outsider, filter=wanted, ordering=Ordering("title"), limit=1, at=NOON)

        assert [ticket["createdBy"] for ticket in page] == [outsider.pk]
        assert "tickets_assignment WHERE user_id" in captured[-1]["sql"]

    def test_have_titles_and_venues_of_any_length(self, owner: User) -> None:
        """Each fits into the indexes, even where every character has four bytes."""
        letters = [chr(0x20000 + number * 7919 % 0xA6D0) for number in range(510)]
        ticket = make_ticket(owner, title="".join(letters[:255]), venue="".join(letters[255:]), type="𝔛" * 50)

        assert found(owner, TicketFilter(venue=ticket.venue), Ordering("title")) == [ticket.pk]


class TestSearch:
    @per_example
    @given(title=texts, description=texts, query=texts)
    @example(title="1e1", description="", query="1E")
    @example(title="0x1", description="ab@e.ab", query="e x")
    @example(title="a/b.e", description="-1.0", query="e 1")
    def test_finds_tickets_with_every_word_by_prefix(
        self, title: str, description: str, query: str, agent: User
    ) -> None:
        title = f"x{title}"
        with rolled_back():
            make_ticket(agent, title=title, description=description)

            ids = search(agent, query)

        word = r"[a-z0-9]+(?:\+\+)?"
        words, beginnings = (re.findall(word, text.lower()) for text in (f"{title} {description}", query))
        is_found = all(any(word.startswith(beginning) for word in words) for beginning in beginnings)
        assert bool(ids) == (is_found and bool(beginnings))

    @pytest.mark.parametrize(
        ("title", "query"),
        [
            ("Fix the database", "data fix"),
            ("Ünïcödé ÉTÉ", "été ÜNÏ"),
            ("東京タワー", "東京"),
            ("Writes to user@mail.example.com", "example USER"),
            ("O’Brien – “quoted”…", "brien quo"),
            ("100% of snake_case", "100 case"),
            ("Version 3.14-beta", "beta 14"),
            ("x\u0661\u0662", "x\u0661"),
            ("Straße 1é é1 1東", "1É stra é 1東"),
            ("「東京」、¿Qué? «Да» 50€ 🎟️", "東 qué ДА 50"),
            ("Hall by Spöter", "spoter"),
            ("Hall by Spoter", "SPÖTER"),
            ("Café", "cafe"),
            ("Jérôme at the Hauptstraße", "hauptstrasse jerome"),
            ("Hauptstrasse", "Hauptstraße"),
            ("Smørrebrød", "smorrebrod"),
            ("版本更新失败", "更新"),
            ("版本更新失败", "新失败"),
            ("版本更新失败", "新"),
            ("데이터베이스 오류", "베이스"),
            ("ﾃﾞｰﾀﾍﾞｰｽ", "データベース"),
            ("Server is on 🔥🎉", "🎉"),
            ("50€", "€"),
            ("Crash in C++17", "c++"),
            ("Crash in C#.", "c#"),
        ],
    )
    def test_reads_words_of_any_script(self, title: str, query: str, agent: User) -> None:
        ticket = make_ticket(agent, title=title)
        make_ticket(agent, title="Another")

        assert search(agent, query) == [ticket.pk]

    @pytest.mark.parametrize(
        "text", ["%", "_", "***", "'", "''", "–\u00a0—", ":*", "\\", "!!", "()", "…", "–", "++", "#", "<->"]
    )
    def test_finds_nothing_by_punctuation(self, text: str, agent: User) -> None:
        make_ticket(agent, title=f"Before {text} after {text}")

        assert search(agent, text) == []

    @pytest.mark.parametrize("text", ["base", "atabase", "fix a", "databases", "fix base", "fix++", "data#", "fix 🔥"])
    def test_does_not_match_the_middle_of_a_word_or_only_some_words(self, text: str, agent: User) -> None:
        make_ticket(agent, title="Fix the database")

        assert search(agent, text) == []

    def test_includes_the_description(self, agent: User) -> None:
        ticket = make_ticket(agent, description="It is slow since Monday.")

        assert search(agent, "mon database") == [ticket.pk]

    def test_sees_changes_made_in_sql(self, agent: User) -> None:
        ticket = make_ticket(agent)
        psql("UPDATE tickets_ticket SET title = 'Zebra' WHERE id = %(ticket)s", ticket=ticket.pk)

        assert (search(agent, "zebra"), search(agent, "fix")) == ([ticket.pk], [])

    def test_accepts_many_words(self, agent: User) -> None:
        words = " ".join(f"{number:x}" for number in range(100))
        ticket = make_ticket(agent, description=words)

        assert search(agent, words) == [ticket.pk]

    def test_looks_up_only_four_words_in_the_index(self, agent: User) -> None:
        """Looking up all words of a long query would take seconds."""
        words = [f"word{number}" for number in range(9)]
        ticket = make_ticket(agent, description=" ".join(words))
        with planner_without("seqscan", "indexscan"):
            plan = Ticket.objects.search(" ".join(words)).explain()

        (looked_up,) = re.findall("Index Cond: (.*)", plan)
        assert looked_up.count(":*") == 4
        assert search(agent, " ".join(words)) == [ticket.pk]
        assert search(agent, " ".join([*words, "another"])) == []

    def test_does_not_find_hidden_tickets(self, owner: User, outsider: User) -> None:
        make_ticket(owner, project=Project.objects.get(system_name="helpdesk"))

        assert found(outsider, TicketFilter(search="fix")) == []


class TestBreached:
    def test_selects_overdue_tickets_that_are_not_closed(self, owner: User) -> None:
        late = make_ticket(owner, created_at=NOON)
        make_ticket(owner, created_at=NOON, status=Status.CLOSED)
        due = late.sla_due_at

        assert list(Ticket.objects.breached(due + timedelta(microseconds=1))) == [late]
        assert not Ticket.objects.breached(due).exists()

    def test_uses_an_index(self, owner: User) -> None:
        make_closed_tickets(owner)
        with transaction.atomic():
            psql("SET LOCAL enable_seqscan = off")

            plan = Ticket.objects.breached(NOON).explain()

        assert "ticket_unclosed" in plan


class TestSearchColumn:
    def test_is_not_fetched(self, owner: User) -> None:
        make_ticket(owner)

        with CaptureQueriesContext(connection) as captured:
            Ticket.objects.get()

        assert not any('"search"' in query["sql"].partition(" FROM ")[0] for query in captured)

    def test_does_not_move_the_version(self, owner: User) -> None:
        """A derived column is not a change of the ticket."""
        ticket = make_ticket(owner)

        psql("UPDATE tickets_ticket SET title = title WHERE id = %(ticket)s", ticket=ticket.pk)

        ticket.refresh_from_db()
        assert (ticket.version, ticket.updated_at) == (1, None)


class TestChangedFields:
    def test_are_those_since_a_version(self, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner, created_at=NOON)
        for changes in ({"title": "Another"}, {"status": "closed"}, {"status": "open", "price": 5}):
            services.update(ticket_id=ticket.pk, by=owner, at=NOON, **changes)
        assign(ticket, assignee)

        since = [queries.changed_fields(ticket_id=ticket.pk, since=version) for version in range(1, 6)]

        assert since == [
            ["title", "status", "price", ASSIGNEE],
            ["status", "price", ASSIGNEE],
            ["status", "price", ASSIGNEE],
            [ASSIGNEE],
            [],
        ]

    def test_include_fields_that_were_changed_back(self, owner: User) -> None:
        ticket = make_ticket(owner)
        for status in ("closed", "open"):
            services.update(ticket_id=ticket.pk, by=owner, at=NOON, status=status)

        assert queries.changed_fields(ticket_id=ticket.pk, since=1) == ["status"]

    def test_include_assignees_added_between_two_changes(self, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)
        services.update(ticket_id=ticket.pk, by=owner, at=NOON, title="Another")

        assert queries.changed_fields(ticket_id=ticket.pk, since=1) == ["title", ASSIGNEE]
        assert queries.changed_fields(ticket_id=ticket.pk, since=2) == ["title"]

    @pytest.mark.parametrize("since", [-1, 0, 2, 99, 2**31, 10**30])
    def test_are_empty_for_a_version_that_never_existed(self, since: int, owner: User) -> None:
        ticket = make_ticket(owner)

        assert queries.changed_fields(ticket_id=ticket.pk, since=since) == []

    def test_include_changes_made_in_sql(self, owner: User) -> None:
        ticket = make_ticket(owner)
        psql("UPDATE tickets_ticket SET venue = 'Hall' WHERE id = %(ticket)s", ticket=ticket.pk)

        assert queries.changed_fields(ticket_id=ticket.pk, since=1) == ["venue"]

    def test_do_not_include_other_tickets(self, owner: User) -> None:
        ticket, other = make_ticket(owner), make_ticket(owner)
        services.update(ticket_id=other.pk, by=owner, at=NOON, title="Another")

        assert queries.changed_fields(ticket_id=ticket.pk, since=1) == []


class TestChangesSince:
    def test_have_the_value_then_and_now(self, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner, title="First", price="9.90")
        for title in ("Second", "Third"):
            services.update(ticket_id=ticket.pk, by=owner, at=NOON, title=title)
        services.update(ticket_id=ticket.pk, by=owner, at=NOON, price=None)
        assign(ticket, assignee)
        services.unassign(ticket_id=ticket.pk, user_id=assignee.pk, by=owner)

        found = queries.changes_since(ticket_id=ticket.pk, since=1)

        assert [(change.field, change.before, change.after) for change in found] == [
            ("title", "First", "Third"),
            ("price", Decimal("9.9"), None),
            (ASSIGNEE, None, "Axel Assignee"),
            (ASSIGNEE, "Axel Assignee", None),
        ]

    def test_include_a_field_that_was_changed_back(self, owner: User) -> None:
        ticket = make_ticket(owner, title="First")
        for title in ("Second", "First"):
            services.update(ticket_id=ticket.pk, by=owner, at=NOON, title=title)

        (change,) = queries.changes_since(ticket_id=ticket.pk, since=1)

        assert (change.before, change.after) == ("First", "First")


def test_every_statement_is_tested() -> None:
    """A new file in sql/ needs a test here, or in the file that has its name or its subject's."""
    names = {path.stem for path in (BASE_DIR / "tickets" / "sql").glob("*.sql")}

    walks = {statement(ordering) for ordering in ORDERINGS} | {"of_status", "walk_ends"}
    pages = {"has_many", "involving", "involving_in_order", "of_weeks", "of_titles", "sample", "sorted"}
    expected = {"expected", "expected_words", "expected_labels"}
    comments = {"comment", "comments", "comments_by_id", "first_comments", "last_comments"}
    tickets = {"ticket", "tickets", "seen_by_id", "concerning", "is_visible"}
    # In test_person_page.py, and in ticketing/tests/test_admin_search.py.
    admin = {"created_by", "assigned_to", "likely"}
    new = {"create", "assign_new", "lock_people", "lock_projects"}
    queues = {"queue_counts", "saved_count", "saved_filters"}
    labels = {"labels", "label_suggestions", "fold_label_counts", "watchers"}
    # In test_title_spans.py.
    walks |= {"title_ranges", "in_titles", "in_titles_desc", "titles_end"}
    noting = {"divide_titles", "pause_writers", "choose_titles", "note_title_words"}
    own = {*queues, *labels, *admin, *noting, "look"}
    assert names == {"history", "changes_since", *own, *tickets, *comments, *walks, *pages, *expected, *new}


def test_a_list_runs_one_query_for_any_number_of_assignees(agent: User) -> None:
    for _ in range(4):
        assign(make_ticket(agent), *(make_user() for _ in range(5)))

    with CaptureQueriesContext(connection) as captured:
        queries.tickets(viewer=agent, filter=TicketFilter(), ordering=Ordering(), limit=20, at=NOON)

    assert len(captured) == 1
