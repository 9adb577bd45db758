"""GET /tickets: parameters, responses and errors. test_queries.py tests which tickets it finds."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from kit.web import paging
from projects.models import Visibility
from projects.tests.factories import make_project
from tickets.models import Status, Ticket
from tickets.serializers import ORDERINGS
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]

JULY = datetime(2024, 7, 1, 18, tzinfo=UTC)


def listed(api: APIClient, **query: Any) -> list[int]:
    """Return the ids on the first page."""
    response = api.get("/tickets", query)
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def assert_invalid(response: Any, *fields: str) -> None:
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert [fault["field"] for fault in response.json()["errors"]] == list(fields)


class TestItems:
    def test_are_the_same_as_on_creation(self, api: APIClient, assignee: User, outsider: User) -> None:
        body = {"title": "Fix it", "price": 19.9, "assignedUsers": [outsider.pk, assignee.pk]}
        created = api.post("/ticket", body).json()

        response = api.get("/tickets")

        assert response.status_code == 200
        assert response.json() == {"items": [created], "nextCursor": None}
        assert list(response.json()["items"][0]) == list(created)

    def test_are_empty_without_tickets(self, api: APIClient) -> None:
        assert api.get("/tickets").json() == {"items": [], "nextCursor": None}

    def test_are_newest_first(self, owner: User, api: APIClient) -> None:
        old, new, same = (make_ticket(owner, created_at=JULY + timedelta(hours=hours)) for hours in (0, 1, 1))

        assert listed(api) == [same.pk, new.pk, old.pk]

    def test_require_a_token(self, anonymous: APIClient) -> None:
        assert anonymous.get("/tickets").status_code == 401

    def test_omit_hidden_tickets(
        self, owner: User, assignee: User, outsider: User, agent: User, signed_in: SignedIn
    ) -> None:
        hidden = make_ticket(owner, project=make_project(visibility=Visibility.INVOLVED))
        assign(hidden, assignee)

        seen = [listed(signed_in(user)) for user in (owner, assignee, agent, outsider)]

        assert seen == [[hidden.pk]] * 3 + [[]]


class TestFilters:
    @pytest.fixture
    def wanted(self, owner: User, assignee: User) -> Ticket:
        """The only ticket that matches, among three."""
        others = make_user("Some Body")
        project = make_project()
        wanted = make_ticket(
            others,
            title="The disk is full",
            description="It was 100% yesterday.",
            status=Status.IN_PROGRESS,
            priority="high",
            type="bug",
            venue="Main hall",
            project=project,
            created_at=JULY,
        )
        assign(wanted, assignee)
        make_ticket(owner)
        make_ticket(owner, status=Status.CLOSED)
        return wanted

    @pytest.mark.parametrize(
        "query",
        [
            {"search": "full dis"},
            {"search": "100%"},
            {"status": "in-progress"},
            {"status": "in progress"},
            {"status": "in_progress"},
            {"priority": "high"},
            {"type": "bug"},
            {"venue": "Main hall"},
            {"sla": "breached"},
            {"endDate": "2024-07-01"},
            {"startDate": "2024-07-01", "endDate": "2024-07-01T18:00:00Z"},
            {"startDate": "2024-07-01T20:00:00+02:00", "endDate": "2024-07-02"},
            {"status": "in-progress", "priority": "high", "type": "bug", "search": "disk", "sla": "breached"},
        ],
        ids=str,
    )
    def test_include_a_match(self, query: dict[str, str], wanted: Ticket, api: APIClient) -> None:
        assert listed(api, **query) == [wanted.pk]

    @pytest.mark.parametrize(
        "query",
        [
            {"search": "isk"},
            {"search": "%"},
            {"search": "_"},
            {"type": "Bug"},
            {"venue": "Main"},
            {"status": "in-progress", "priority": "low"},
            {"endDate": "2024-06-30"},
            {"startDate": "2024-07-01T18:00:00.001Z", "endDate": "2024-07-02"},
            {"project": 2**63 - 1},
            {"assignee": 2**63 - 1},
            {"assignee": 2**63},
            {"createdBy": 2**63 - 1},
        ],
        ids=str,
    )
    def test_exclude_the_rest(self, query: dict[str, Any], wanted: Ticket, api: APIClient) -> None:
        assert listed(api, **query) == []

    def test_match_projects_and_users_by_id(self, wanted: Ticket, assignee: User, api: APIClient) -> None:
        for query in (
            {"project": wanted.project_id},
            {"createdBy": wanted.created_by_id},
            {"assignee": assignee.pk},
        ):
            assert listed(api, **query) == [wanted.pk]

    @pytest.mark.parametrize(
        "name", ["search", "status", "priority", "type", "venue", "project", "sla", "queue", "endDate"]
    )
    def test_ignore_empty_values(self, name: str, wanted: Ticket, api: APIClient) -> None:
        assert len(listed(api, **{name: ""})) == 3

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("status", "resolved"),
            ("priority", "urgent"),
            ("sla", "kept"),
            ("queue", "theirs"),
            ("queue", "All open"),
            ("project", "General"),
            ("assignee", "1e3"),
            ("createdBy", "1.5"),
            ("startDate", "yesterday"),
            ("startDate", "2024-07-01T18:00:00"),
            ("endDate", "2024-02-30"),
            ("search", "a" * 256),
            ("search", "a\x00b"),
            ("ordering", "id"),
            ("ordering", "created_at"),
            ("ordering", "--title"),
            ("ordering", "title,-priority"),
            ("limit", "0"),
            ("limit", "101"),
            ("limit", "many"),
        ],
    )
    def test_refuse_invalid_values(self, name: str, value: str, api: APIClient) -> None:
        assert_invalid(api.get("/tickets", {name: value}), name)

    def test_refuse_a_start_after_the_end(self, api: APIClient) -> None:
        assert_invalid(api.get("/tickets", {"startDate": "2024-07-02", "endDate": "2024-07-01"}), "startDate")

    def test_name_all_invalid_parameters_at_once(self, api: APIClient) -> None:
        assert_invalid(
            api.get("/tickets", {"status": "x", "limit": "x", "ordering": "x"}), "limit", "status", "ordering"
        )


class TestOrdering:
    @pytest.fixture
    def tickets(self, owner: User) -> list[Ticket]:
        """Tickets in ascending order of every field; the last two have no due date and no update."""
        times = [JULY + timedelta(hours=hours) for hours in range(4)]
        dates: list[dict[str, Any]] = [{"due_at": time, "updated_at": time} for time in times[:2]] + [{}, {}]
        words = zip("aBcD", ["low", "medium", "high", "high"], times, dates, strict=True)
        return [
            make_ticket(owner, title=title, priority=priority, created_at=time, **undated)
            for title, priority, time, undated in words
        ]

    @pytest.mark.parametrize(
        ("ordering", "places"),
        [
            ("createdDate", [0, 1, 2, 3]),
            ("-createdDate", [3, 2, 1, 0]),
            ("updatedDate", [0, 1, 2, 3]),
            ("-updatedDate", [1, 0, 3, 2]),
            ("dueDate", [0, 1, 2, 3]),
            ("-dueDate", [1, 0, 3, 2]),
            ("priority", [0, 1, 2, 3]),
            ("-priority", [3, 2, 1, 0]),
            ("title", [0, 1, 2, 3]),
            ("-title", [3, 2, 1, 0]),
        ],
    )
    def test_holds_across_pages(self, ordering: str, places: list[int], tickets: list[Ticket], api: APIClient) -> None:
        query: dict[str, Any] = {"ordering": ordering, "limit": 1}
        ids, cursor = [], None
        for _ in tickets:
            page = api.get("/tickets", query | ({"cursor": cursor} if cursor else {})).json()
            ids += [item["id"] for item in page["items"]]
            cursor = page["nextCursor"]

        assert ids == [tickets[place].pk for place in places]
        assert cursor is None

    def test_choices_are_the_documented_ones(self) -> None:
        names = ("createdDate", "updatedDate", "dueDate", "priority", "title")

        assert set(ORDERINGS) == {*names, *(f"-{name}" for name in names)}


class TestCursor:
    @pytest.fixture
    def cursor(self, owner: User, api: APIClient) -> str:
        """A cursor for the default ordering."""
        for _ in range(3):
            make_ticket(owner)
        cursor: str = api.get("/tickets", {"limit": 1}).json()["nextCursor"]
        return cursor

    def test_is_valid_with_the_default_ordering_spelled_out(self, cursor: str, api: APIClient) -> None:
        by_default, by_name = (listed(api, cursor=cursor, **query) for query in ({}, {"ordering": "-createdDate"}))

        assert by_default == by_name
        assert len(by_name) == 2

    @pytest.mark.parametrize("ordering", [ordering for ordering in ORDERINGS if ordering != "-createdDate"])
    def test_is_invalid_with_another_ordering(self, ordering: str, cursor: str, api: APIClient) -> None:
        assert_invalid(api.get("/tickets", {"ordering": ordering, "cursor": cursor}), "cursor")

    @pytest.mark.parametrize(
        "keys",
        [
            [],
            ["-createdDate"],
            ["-createdDate", "2024-07-01T18:00:00+00:00"],
            ["-createdDate", "2024-07-01T18:00:00", 1],
            ["-createdDate", "2024-07-01T18:00:00+00:00", "1"],
            ["-createdDate", "2024-07-01T18:00:00+00:00", 2**63],
            ["-createdDate", None, 1],
            ["-createdDate", 5, 1],
            ["-createdDate", "soon", 1],
            ["-createdDate", "0001-01-01T00:00:00+14:00", 1],
            ["priority", "urgent", 1],
            ["title", "a\x00", 1],
            ["dueDate", 5, 1],
            ["secret", "a", 1],
        ],
        ids=str,
    )
    def test_made_up_cursor_is_refused(self, keys: list[Any], api: APIClient) -> None:
        ordering = keys[0] if keys and keys[0] in ORDERINGS else "-createdDate"

        assert_invalid(api.get("/tickets", {"ordering": ordering, "cursor": paging.encode(*keys)}), "cursor")

    @pytest.mark.parametrize("text", ["x", "===", "💥", "e30", "bnVsbA", "W10"])
    def test_malformed_cursor_is_refused(self, text: str, api: APIClient) -> None:
        assert_invalid(api.get("/tickets", {"cursor": text}), "cursor")


class TestPage:
    def test_has_twenty_items_by_default(self, owner: User, api: APIClient) -> None:
        for _ in range(21):
            make_ticket(owner)

        first = api.get("/tickets").json()
        second = api.get("/tickets", {"cursor": first["nextCursor"]}).json()

        assert (len(first["items"]), len(second["items"]), second["nextCursor"]) == (20, 1, None)

    def test_full_page_can_be_the_last(self, owner: User, api: APIClient) -> None:
        for _ in range(2):
            make_ticket(owner)

        assert api.get("/tickets", {"limit": 2}).json()["nextCursor"] is None

    # The user and the page. A search first finds the ids of its page, and if there are few, another query asks whether
    # there are more to search. Among more tickets than here there are up to four such steps.
    @pytest.mark.parametrize(
        ("role", "query", "number"),
        [
            ("agent", {}, 2),
            ("owner", {}, 2),
            ("owner", {"status": "open", "ordering": "title"}, 2),
            ("owner", {"search": "database"}, 2),
            ("owner", {"search": "rare"}, 3),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("tickets", [6, 12])
    def test_runs_a_fixed_number_of_queries(
        self,
        role: str,
        query: dict[str, str],
        number: int,
        tickets: int,
        request: pytest.FixtureRequest,
        signed_in: SignedIn,
        owner: User,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        api = signed_in(request.getfixturevalue(role))
        make_ticket(owner, title="A rare one of the database")
        for _ in range(tickets):
            assign(make_ticket(owner), make_user(), make_user())

        with django_assert_num_queries(number):
            response = api.get("/tickets", query | {"limit": 5})

        assert len(response.json()["items"]) == (1 if query.get("search") == "rare" else 5)
