"""Document 004: creating, listing and reading tickets."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from contracts import helpdesk
from contracts.tests.helpdesk_document import (
    SLA_HOURS,
    TICKET,
    assert_error,
    path_of,
)
from projects.models import Project
from tickets import services
from tickets.models import Comment, Status, Ticket
from tickets.tests.factories import assign, make_comment, make_ticket

SignedIn = Callable[[User], APIClient]

pytestmark = pytest.mark.django_db


class TestCreate:
    @pytest.mark.parametrize(("priority", "hours"), SLA_HOURS.items())
    def test_sets_the_due_time_by_priority(self, owner_api: APIClient, priority: str, hours: int) -> None:
        created = owner_api.post("/api/tickets", {"title": "Server down", "priority": priority}).json()

        due = datetime.fromisoformat(created["sla_due"]) - datetime.fromisoformat(created["created_at"])
        assert due == timedelta(hours=hours)
        assert re.search(r"\.\d{3}Z$", created["sla_due"])

    def test_defaults_to_medium_priority_in_the_helpdesk_project(self, owner_api: APIClient, owner: User) -> None:
        created = owner_api.post("/api/tickets", {"title": "Server down"}).json()

        ticket = Ticket.objects.get()
        assert (created["priority"], created["description"], created["assignee"]) == ("medium", "", None)
        assert (ticket.project, ticket.created_by) == (Project.objects.helpdesk(), owner)

    @pytest.mark.parametrize("title", [None, "", "  "])
    def test_requires_a_title(self, owner_api: APIClient, title: Any) -> None:
        for body in ({"title": title}, {"description": "x"}):
            assert_error(owner_api.post("/api/tickets", body), 400, "FIELD_REQUIRED", "title")

    @pytest.mark.parametrize(
        ("field", "value"),
        [("title", 5), ("title", "a\nb"), ("title", "t" * 256), ("priority", "urgent"), ("description", ["x"])],
    )
    def test_names_an_invalid_field(self, owner_api: APIClient, field: str, value: Any) -> None:
        assert_error(owner_api.post("/api/tickets", TICKET | {field: value}), 400, "INVALID_FIELD", field)

    def test_runs_eight_queries(self, owner_api: APIClient, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(8):
            owner_api.post("/api/tickets", TICKET)


class TestList:
    def test_pages_by_offset_newest_first(self, owner_api: APIClient, owner: User) -> None:
        created = [make_ticket(owner, created_at=timezone.now() - timedelta(hours=age)) for age in range(5)]

        pages = [owner_api.get("/api/tickets", {"limit": 2, "offset": offset}).json() for offset in (0, 2, 4)]

        shown = [item["_id"] for page in pages for item in page["items"]]
        assert shown == [str(ticket.pk) for ticket in created]
        assert [page["next_offset"] for page in pages] == [2, 4, None]

    def test_ends_at_a_full_last_page(self, owner_api: APIClient, owner: User) -> None:
        for _ in range(4):
            make_ticket(owner)

        pages = [owner_api.get("/api/tickets", {"limit": 2, "offset": offset}).json() for offset in (0, 2, 4, 999_999)]

        assert [page["next_offset"] for page in pages] == [2, None, None, None]
        assert [len(page["items"]) for page in pages] == [2, 2, 0, 0]

    def test_returns_twenty_by_default(self, owner_api: APIClient, owner: User) -> None:
        for _ in range(21):
            make_ticket(owner)

        page = owner_api.get("/api/tickets").json()

        assert (len(page["items"]), page["next_offset"]) == (20, 20)

    def test_shows_customers_their_own_tickets_and_staff_all(
        self, owner_api: APIClient, agent_api: APIClient, owner: User, outsider: User, ticket: Ticket
    ) -> None:
        ticket_of_another = make_ticket(outsider)
        assign(make_ticket(outsider), owner)

        assert [item["_id"] for item in owner_api.get("/api/tickets").json()["items"]] == [str(ticket.pk)]
        assert str(ticket_of_another.pk) in [item["_id"] for item in agent_api.get("/api/tickets").json()["items"]]
        assert len(agent_api.get("/api/tickets").json()["items"]) == 3

    @pytest.mark.parametrize(
        ("status", "found"),
        [
            ("open", ["open", "open"]),
            ("in_progress", ["in_progress"]),
            ("closed", ["closed", "closed"]),
            ("resolved", ["closed", "closed"]),
            ("breached", ["open"]),
            ("", ["open", "open", "in_progress", "closed", "closed"]),
        ],
    )
    def test_filters_by_status(self, owner_api: APIClient, owner: User, status: str, found: list[str]) -> None:
        long_ago = timezone.now() - timedelta(days=3)
        for existing in (Status.CLOSED, Status.IN_PROGRESS, Status.OPEN):
            make_ticket(owner, status=existing)
        make_ticket(owner, status=Status.OPEN, created_at=long_ago)
        make_ticket(owner, status=Status.CLOSED, created_at=long_ago)

        items = owner_api.get("/api/tickets", {"status": status}).json()["items"]

        assert sorted(item["status"] for item in items) == sorted(found)

    def test_searches_for_words(self, owner_api: APIClient, owner: User) -> None:
        make_ticket(owner, title="Cannot login")
        make_ticket(owner, title="Server down", description="Login fails as well")
        make_ticket(owner, title="Server down")

        found = {
            words: len(owner_api.get("/api/tickets", {"q": words}).json()["items"])
            for words in ("login", "down log", "nothing", "%", "")
        }

        assert found == {"login": 2, "down log": 1, "nothing": 0, "%": 0, "": 3}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *(("limit", value) for value in ("0", "101", "-1", "x", "1e9", "9" * 30)),
            *(("offset", value) for value in ("-1", "x", "9" * 30)),
            *(("status", value) for value in ("new", "in-progress", "BREACHED")),
            ("q", "q" * 256),
        ],
    )
    def test_refuses_an_invalid_parameter(self, owner_api: APIClient, field: str, value: str) -> None:
        assert_error(owner_api.get("/api/tickets", {field: value}), 400, "INVALID_FIELD", field)

    @pytest.mark.slow
    @pytest.mark.parametrize("role", ["owner", "agent"])
    @pytest.mark.parametrize("offset", [0, 3, 2_500])
    def test_returns_the_same_page_whichever_plan_finds_it(
        self, request: pytest.FixtureRequest, owner: User, outsider: User, signed_in: SignedIn, role: str, offset: int
    ) -> None:
        """`queries.tickets` walks the newest few thousand tickets first, and only then uses the search index."""
        at = timezone.now()
        Ticket.objects.bulk_create(
            Ticket(
                title="Fix it" if number % 7 else "Seventh",
                project_id=Project.objects.helpdesk().pk,
                created_by=outsider if number % 2 else owner,
                created_at=at - timedelta(minutes=number),
                sla_due_at=at,
            )
            for number in range(3_000)
        )
        client = signed_in(request.getfixturevalue(role))
        expected = Ticket.objects.filter(title="Fix it").order_by("-created_at", "-id")
        if role == "owner":
            expected = expected.filter(created_by=owner)

        items = client.get(f"/api/tickets?q=fix&offset={offset}&limit=10").json()["items"]

        shown = expected.values_list("pk", flat=True)[offset : offset + 10]
        assert [int(item["_id"]) for item in items] == list(shown)

    @pytest.mark.parametrize(("role", "queries"), [("owner", 3), ("agent", 2)])
    @pytest.mark.parametrize("number", [5, 19])
    def test_runs_the_same_queries_for_any_number_of_tickets(
        self,
        request: pytest.FixtureRequest,
        signed_in: SignedIn,
        owner: User,
        assignee: User,
        role: str,
        queries: int,
        number: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for _ in range(number):
            assign(make_ticket(owner), assignee)
        client = signed_in(request.getfixturevalue(role))

        with django_assert_num_queries(queries):
            assert len(client.get("/api/tickets").json()["items"]) == number


class TestRead:
    def test_shows_comments_oldest_first(self, owner_api: APIClient, ticket: Ticket, owner: User, agent: User) -> None:
        for number, by in enumerate((owner, agent, owner)):
            make_comment(ticket, by, message=f"No {number}")

        shown = owner_api.get(path_of(ticket)).json()["comments"]

        assert [comment["message"] for comment in shown] == ["No 0", "No 1", "No 2"]
        assert (shown[1]["author"], shown[1]["author_id"]) == ("Agnes Agent", str(agent.pk))
        assert all(comment["createdAt"] == comment["created_at"] for comment in shown)

    def test_shows_only_the_newest_comments_beyond_the_limit(
        self, owner_api: APIClient, ticket: Ticket, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(helpdesk, "MOST_COMMENTS", 2)
        for number in range(3):
            make_comment(ticket, owner, message=f"No {number}")

        assert [comment["message"] for comment in owner_api.get(path_of(ticket)).json()["comments"]] == ["No 1", "No 2"]

    def test_shows_internal_comments_only_to_staff(
        self, owner_api: APIClient, agent_api: APIClient, ticket: Ticket, agent: User
    ) -> None:
        make_comment(ticket, agent, is_internal=True)

        assert owner_api.get(path_of(ticket)).json()["comments"] == []
        assert [comment["internal"] for comment in agent_api.get(path_of(ticket)).json()["comments"]] == [True]
        comments = owner_api.post(f"{path_of(ticket)}/comments", {"message": "Hm"}).json()["ticket"]["comments"]
        assert [comment["message"] for comment in comments] == ["Hm"]

    def test_shows_the_assignee(self, owner_api: APIClient, ticket: Ticket, agent: User) -> None:
        services.assign(ticket_id=ticket.pk, user_id=agent.pk, by=agent)

        assert owner_api.get(path_of(ticket)).json()["assignee"] == str(agent.pk)

    def test_lets_an_assignee_read_the_ticket(self, ticket: Ticket, assignee: User, signed_in: SignedIn) -> None:
        assign(ticket, assignee)

        assert signed_in(assignee).get(path_of(ticket)).status_code == 200

    def test_runs_three_queries_for_any_number_of_comments(
        self, owner_api: APIClient, ticket: Ticket, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(5):
            make_comment(ticket, owner)

        with django_assert_num_queries(3):
            assert len(owner_api.get(path_of(ticket)).json()["comments"]) == 5


class TestTicketOfAnotherUser:
    """This includes tickets in "General", which the product's own API shows to everyone."""

    @pytest.fixture(params=["HelpDesk", "General"])
    def ticket_of_another(self, request: pytest.FixtureRequest, owner: User) -> Ticket:
        return make_ticket(owner, project=Project.objects.get(name=request.param))

    def test_does_not_exist(self, ticket_of_another: Ticket, outsider: User, signed_in: SignedIn) -> None:
        client = signed_in(outsider)

        for path in (path_of(ticket_of_another), "/api/tickets/0", f"/api/tickets/{2**63}", f"/api/tickets/{10**30}"):
            assert_error(client.get(path), 404, "NOT_FOUND")
            assert_error(client.patch(path, {"status": "closed"}), 404, "NOT_FOUND")
            assert_error(client.patch(path, {"assignee": None}), 404, "NOT_FOUND")
            assert_error(client.patch(path, {"status": "closed", "version": 9}), 404, "NOT_FOUND")
            assert_error(client.post(f"{path}/comments", {"message": "Hm"}), 404, "NOT_FOUND")
        assert not Comment.objects.exists()
