"""Document 004: changing tickets and commenting on them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from contracts.tests.helpdesk_document import (
    CONFLICT,
    SLA_HOURS,
    assert_error,
    contains,
    path_of,
)
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db

INVALID_VALUES: dict[str, list[Any]] = {
    "status": ["breached", "in-progress", 1, []],
    "priority": ["urgent", 1, {}],
    "assignee": ["x", "", True, [], 1.5, 0, 2**63, "9" * 30],
    "version": ["x", 0, -1, True],
}


class TestChange:
    @pytest.mark.parametrize(
        ("sent", "returned"),
        [("open", "open"), ("in_progress", "in_progress"), ("closed", "closed"), ("resolved", "closed")],
    )
    def test_sets_the_status(self, owner_api: APIClient, ticket: Ticket, sent: str, returned: str) -> None:
        response = owner_api.patch(path_of(ticket), {"status": sent})

        assert (response.status_code, response.json()["ticket"]["status"]) == (200, returned)

    def test_returns_the_ticket_twice(self, owner_api: APIClient, ticket: Ticket, owner: User) -> None:
        """The document nests it; the document's own front end takes the whole body for the ticket."""
        make_comment(ticket, owner, message="Any news?")

        body = owner_api.patch(path_of(ticket), {"status": "in_progress"}).json()

        shown = owner_api.get(path_of(ticket)).json()
        assert body == {"message": "Ticket updated successfully", "ticket": shown, **shown}
        assert [comment["message"] for comment in shown["comments"]] == ["Any news?"]

    @pytest.mark.parametrize(("priority", "hours"), SLA_HOURS.items())
    def test_of_the_priority_recomputes_the_due_time_from_creation(
        self, owner_api: APIClient, owner: User, priority: str, hours: int
    ) -> None:
        ticket = make_ticket(owner, created_at=timezone.now() - timedelta(days=1))

        changed = owner_api.patch(path_of(ticket), {"priority": priority}).json()["ticket"]

        due = datetime.fromisoformat(changed["sla_due"]) - datetime.fromisoformat(changed["created_at"])
        assert due == timedelta(hours=hours)

    @pytest.mark.parametrize(
        ("field", "value"),
        [(field, value) for field, values in INVALID_VALUES.items() for value in values],
    )
    def test_names_an_invalid_field(self, agent_api: APIClient, ticket: Ticket, field: str, value: Any) -> None:
        assert_error(agent_api.patch(path_of(ticket), {field: value}), 400, "INVALID_FIELD", field)

    def test_appears_in_the_history_with_its_author(self, owner_api: APIClient, ticket: Ticket, owner: User) -> None:
        owner_api.patch(path_of(ticket), {"status": "resolved"})

        newest = owner_api.get(f"/tickets/{ticket.pk}/history").json()["items"][0]
        assert newest["by"] == {"id": owner.pk, "name": "Olga Owner"}
        assert newest["changes"] == [{"field": "status", "from": "open", "to": "closed"}]

    def test_without_known_fields_does_nothing(self, owner_api: APIClient, ticket: Ticket) -> None:
        response = owner_api.patch(path_of(ticket), {"title": "Ignored"})

        assert (response.status_code, response.json()["ticket"]["version"]) == (200, 1)
        assert response.json()["ticket"]["title"] == ticket.title

    @pytest.mark.parametrize(("fields", "queries"), [(["status"], 9), (["status", "priority", "assignee"], 15)])
    def test_runs_a_fixed_number_of_queries(
        self,
        agent_api: APIClient,
        ticket: Ticket,
        outsider: User,
        fields: list[str],
        queries: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        changes = {"status": "closed", "priority": "high", "assignee": outsider.pk}

        with django_assert_num_queries(queries):
            agent_api.patch(path_of(ticket), {name: changes[name] for name in fields})


class TestAssignee:
    def test_replaces_all_previous_assignees(
        self, agent_api: APIClient, ticket: Ticket, assignee: User, outsider: User, agent: User
    ) -> None:
        assign(ticket, assignee, outsider)

        for user_id in (agent.pk, str(assignee.pk)):
            response = agent_api.patch(path_of(ticket), {"assignee": user_id})
            assert response.status_code == 200
            assert [str(user.pk) for user in ticket.assignees.all()] == [str(user_id)]
            assert response.json()["ticket"]["assignee"] == str(user_id)

    def test_is_cleared_by_null(self, agent_api: APIClient, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)

        response = agent_api.patch(path_of(ticket), {"assignee": None})

        assert (response.status_code, response.json()["ticket"]["assignee"]) == (200, None)
        assert not ticket.assignees.exists()

    def test_is_set_only_by_staff(self, owner_api: APIClient, ticket: Ticket, assignee: User) -> None:
        for value in (assignee.pk, None):
            assert_error(owner_api.patch(path_of(ticket), {"assignee": value}), 403, "FORBIDDEN")

    def test_cannot_be_an_admin(self, agent_api: APIClient, ticket: Ticket, admin: User) -> None:
        assert_error(agent_api.patch(path_of(ticket), {"assignee": admin.pk}), 400, "INVALID_FIELD", "assignee")

    def test_cannot_be_set_on_a_closed_ticket(self, agent_api: APIClient, owner: User, assignee: User) -> None:
        closed = make_ticket(owner, status=Status.CLOSED)

        response = agent_api.patch(path_of(closed), {"assignee": assignee.pk})

        assert_error(response, 409, "INVALID_FIELD", "assignee")

    def test_is_set_together_with_the_other_fields_or_not_at_all(
        self, agent_api: APIClient, ticket: Ticket, assignee: User, admin: User
    ) -> None:
        assign(ticket, assignee)

        response = agent_api.patch(path_of(ticket), {"status": "closed", "priority": "low", "assignee": admin.pk})

        ticket.refresh_from_db()
        assert response.status_code == 400
        assert (ticket.status, ticket.priority, ticket.version) == ("open", "medium", 2)
        assert list(ticket.assignees.all()) == [assignee]

    def test_can_be_set_while_closing(self, agent_api: APIClient, ticket: Ticket, assignee: User) -> None:
        response = agent_api.patch(path_of(ticket), {"status": "closed", "assignee": assignee.pk, "version": 1})

        assert response.status_code == 200
        assert contains(response.json()["ticket"], {"status": "closed", "assignee": str(assignee.pk)})


class TestVersion:
    @pytest.mark.parametrize("if_match", ["1", '"1"', 'W/"1"', "W/1", '"1-5f0c9a1e2b7d4836"', "*"])
    def test_in_if_match_allows_a_change_if_current(self, owner_api: APIClient, ticket: Ticket, if_match: str) -> None:
        response = owner_api.patch(path_of(ticket), {"status": "closed"}, headers={"If-Match": if_match})

        assert (response.status_code, response.json()["ticket"]["version"]) == (200, 2)

    @pytest.mark.parametrize("if_match", ["1", '"1"', 'W/"1"', "3", "garbage", ""])
    def test_in_if_match_is_a_conflict_if_stale(self, owner_api: APIClient, ticket: Ticket, if_match: str) -> None:
        owner_api.patch(path_of(ticket), {"priority": "low"})

        response = owner_api.patch(path_of(ticket), {"status": "closed"}, headers={"If-Match": if_match})

        assert (response.status_code, response.json()) == (409, CONFLICT)
        assert Ticket.objects.get().status == "open"

    @pytest.mark.parametrize(("version", "status"), [(1, 409), (2, 200), ("2", 200), (3, 409)])
    def test_in_the_body_does_the_same(self, owner_api: APIClient, ticket: Ticket, version: Any, status: int) -> None:
        owner_api.patch(path_of(ticket), {"priority": "low"})

        response = owner_api.patch(path_of(ticket), {"status": "closed", "version": version})

        assert response.status_code == status
        assert status == 200 or response.json() == CONFLICT

    def test_in_if_match_takes_precedence_over_the_body(self, owner_api: APIClient, ticket: Ticket) -> None:
        stale_header = owner_api.patch(path_of(ticket), {"status": "closed", "version": 1}, headers={"If-Match": "7"})
        stale_body = owner_api.patch(path_of(ticket), {"status": "closed", "version": 7}, headers={"If-Match": "1"})

        assert (stale_header.status_code, stale_body.status_code) == (409, 200)

    def test_is_checked_if_only_the_assignee_changes(
        self, agent_api: APIClient, ticket: Ticket, assignee: User
    ) -> None:
        response = agent_api.patch(path_of(ticket), {"assignee": assignee.pk, "version": 7})

        assert (response.status_code, response.json()) == (409, CONFLICT)
        assert not ticket.assignees.exists()

    def test_is_not_changed_by_a_comment(self, owner_api: APIClient, ticket: Ticket) -> None:
        owner_api.post(f"{path_of(ticket)}/comments", {"message": "Hm"})

        assert owner_api.get(path_of(ticket)).json()["version"] == 1


class TestComment:
    @pytest.mark.parametrize("message", [None, "", "  "])
    def test_requires_a_message(self, owner_api: APIClient, ticket: Ticket, message: Any) -> None:
        for body in ({"message": message}, {}):
            assert_error(owner_api.post(f"{path_of(ticket)}/comments", body), 400, "FIELD_REQUIRED", "message")

    @pytest.mark.parametrize("message", [5, ["x"], "m" * 20_001, "a\x00b"])
    def test_names_an_invalid_message(self, owner_api: APIClient, ticket: Ticket, message: Any) -> None:
        response = owner_api.post(f"{path_of(ticket)}/comments", {"message": message})

        assert_error(response, 400, "INVALID_FIELD", "message")

    def test_is_internal_only_if_staff_write_it(
        self, owner_api: APIClient, agent_api: APIClient, ticket: Ticket
    ) -> None:
        body = {"message": "Hm", "internal": True}

        assert_error(owner_api.post(f"{path_of(ticket)}/comments", body), 403, "FORBIDDEN")
        assert agent_api.post(f"{path_of(ticket)}/comments", body).json()["ticket"]["comments"][0]["internal"] is True

    def test_runs_seven_queries(
        self, owner_api: APIClient, ticket: Ticket, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        # The token's owner, the visibility check, BEGIN and COMMIT, the ticket, the new comment, and all comments.
        with django_assert_num_queries(7):
            owner_api.post(f"{path_of(ticket)}/comments", {"message": "Hm"})
