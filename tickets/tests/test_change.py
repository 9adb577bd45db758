"""PUT and PATCH /tickets/<id>, and versions. test_services.py tests who may change what."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from kit.versions import CHANGED_SINCE_READ
from projects.models import Visibility
from projects.tests.factories import make_project
from tickets.models import Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]

ETAG = re.compile(r'"([0-9]+)-[0-9a-f]{16}"')
CHANGED = CHANGED_SINCE_READ


@pytest.fixture
def path(ticket: Ticket) -> str:
    return f"/tickets/{ticket.pk}"


def assert_refused(response: Any, status: int, message: str) -> None:
    assert (response.status_code, response.json()["message"]) == (status, message)
    assert response["Content-Type"] == "application/problem+json"


def version_in(tag: str) -> int:
    match = ETAG.fullmatch(tag)
    assert match, tag
    return int(match[1])


class TestPatch:
    def test_returns_what_get_returns_afterwards(self, path: str, api: APIClient) -> None:
        response = api.patch(path, {"status": "in progress", "price": 5, "dueDate": "2099-08-01T20:00:00+02:00"})

        assert response.status_code == 200
        assert response.json() == api.get(path).json()
        changed = {key: response.json()[key] for key in ("title", "status", "price", "dueDate", "version")}
        assert changed == {
            "title": "Fix the database",
            "status": "in-progress",
            "price": 5,
            "dueDate": "2099-08-01T18:00:00Z",
            "version": 2,
        }
        assert response.json()["updatedDate"]

    def test_clears_optional_fields(self, owner: User, api: APIClient) -> None:
        ticket = make_ticket(owner, price=5, venue="Hall", description="Slow.")

        response = api.patch(f"/tickets/{ticket.pk}", {"price": None, "dueDate": None, "venue": "", "description": ""})

        assert [response.json()[key] for key in ("price", "dueDate", "venue", "description")] == [None, None, "", ""]

    def test_same_values_keep_the_version(self, path: str, api: APIClient) -> None:
        before = api.get(path)

        response = api.patch(path, before.json() | {"title": " Fix the database "})

        assert (response.status_code, response.json(), response["ETag"]) == (200, before.json(), before["ETag"])
        assert (response.json()["version"], response.json()["updatedDate"]) == (1, None)

    @pytest.mark.parametrize(
        "body", [{}, {"unknown": 1}, {"updatedDate": "2001-01-01T00:00:00Z", "slaDue": None, "id": 9}]
    )
    def test_ignores_read_only_and_unknown_fields(self, body: dict[str, Any], path: str, api: APIClient) -> None:
        before = api.get(path).json()

        response = api.patch(path, body)

        assert (response.status_code, response.json()) == (200, before)

    def test_ignores_assignees(self, ticket: Ticket, assignee: User, outsider: User, path: str, api: APIClient) -> None:
        assign(ticket, assignee)

        response = api.patch(path, {"title": "Another", "assignedUsers": [outsider.pk]})

        assert response.status_code == 200
        assert [user["userId"] for user in response.json()["assignedUsers"]] == [assignee.pk]

    @pytest.mark.parametrize("role", ["owner", "assignee", "agent", "admin"])
    def test_is_allowed_to_creator_assignees_and_staff(
        self, role: str, request: pytest.FixtureRequest, ticket: Ticket, assignee: User, signed_in: SignedIn, path: str
    ) -> None:
        assign(ticket, assignee)

        response = signed_in(request.getfixturevalue(role)).patch(path, {"title": "Another"})

        assert (response.status_code, response.json()["title"]) == (200, "Another")

    def test_refuses_an_outsider(self, path: str, outsider: User, signed_in: SignedIn) -> None:
        assert_refused(signed_in(outsider).patch(path, {"title": "Another"}), 403, "Unauthorized")

    def test_requires_a_token(self, path: str, anonymous: APIClient) -> None:
        assert anonymous.patch(path, {"title": "Another"}).status_code == 401

    def test_hidden_ticket_is_404_for_others(self, owner: User, outsider: User, signed_in: SignedIn) -> None:
        hidden = make_ticket(owner, project=make_project(visibility=Visibility.INVOLVED))

        response = signed_in(outsider).patch(f"/tickets/{hidden.pk}", {"title": "Another"})

        assert_refused(response, 404, "Ticket not found")

    @pytest.mark.parametrize("ticket_id", [0, 2**31, 2**63, 10**30])
    def test_unknown_ticket_is_404(self, ticket_id: int, api: APIClient) -> None:
        assert_refused(api.patch(f"/tickets/{ticket_id}", {"title": "Another"}), 404, "Ticket not found")

    def test_only_admins_can_change_the_creator(
        self, path: str, owner: User, outsider: User, agent: User, admin: User, signed_in: SignedIn
    ) -> None:
        responses = [signed_in(user).patch(path, {"createdBy": outsider.pk}) for user in (owner, agent, admin)]

        assert [response.status_code for response in responses] == [403, 403, 200]
        assert responses[-1].json()["createdBy"] == outsider.pk

    def test_assignee_cannot_move_it_to_a_hidden_project(
        self, ticket: Ticket, assignee: User, path: str, signed_in: SignedIn, api: APIClient
    ) -> None:
        assign(ticket, assignee)
        hiding = {"project": make_project(visibility=Visibility.INVOLVED).pk}

        assert_refused(signed_in(assignee).patch(path, hiding), 403, "Unauthorized")
        assert api.patch(path, hiding).status_code == 200

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", ""),
            ("title", None),
            ("title", "a\nb"),
            ("project", None),
            ("project", 2**63),
            ("status", "resolved"),
            ("status", None),
            ("price", -1),
            ("price", "5,0"),
            ("priority", "urgent"),
            ("dueDate", "2024-08-01T18:00:00Z"),
            ("createdBy", None),
            ("createdBy", True),
            ("type", ""),
            ("version", "one"),
            ("version", 1.5),
            ("version", 0),
            ("version", -1),
            ("version", 2**64),
        ],
    )
    def test_names_the_invalid_field(self, field: str, value: Any, path: str, api: APIClient) -> None:
        response = api.patch(path, {"title": "Another"} | {field: value})

        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == [field]
        assert api.get(path).json()["version"] == 1

    # The user; BEGIN, lock, change, rereading the version, COMMIT; the ticket and its assignees for the response.
    @pytest.mark.parametrize("assignees", [1, 5])
    def test_runs_seven_queries(
        self,
        assignees: int,
        ticket: Ticket,
        path: str,
        api: APIClient,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        assign(ticket, *(make_user() for _ in range(assignees)))

        with django_assert_num_queries(7):
            response = api.patch(path, {"title": "Another"})

        assert len(response.json()["assignedUsers"]) == assignees


class TestPut:
    def test_keeps_omitted_fields(self, owner: User, api: APIClient) -> None:
        ticket = make_ticket(owner, price=5, venue="Hall", description="Slow.", priority="high")
        before = api.get(f"/tickets/{ticket.pk}").json()
        body = {"title": "Another", "project": make_project().pk, "status": "closed"}

        response = api.put(f"/tickets/{ticket.pk}", body)

        moved = {key: response.json()[key] for key in ("updatedDate", "activityDate", "version", "statistics", "sla")}
        assert response.status_code == 200
        assert response.json() == before | body | moved

    def test_requires_title_project_and_status(self, path: str, api: APIClient) -> None:
        response = api.put(path, {"description": "Slow."})

        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == ["title", "project", "status"]

    def test_refuses_an_outsider(self, ticket: Ticket, path: str, outsider: User, signed_in: SignedIn) -> None:
        body = {"title": "Another", "project": ticket.project_id, "status": "open"}

        assert_refused(signed_in(outsider).put(path, body), 403, "Unauthorized")


class TestETag:
    def test_is_on_every_response_with_a_single_ticket(self, ticket: Ticket, path: str, api: APIClient) -> None:
        body = {"title": "Another", "project": ticket.project_id, "status": "open"}
        responses = [
            *(api.post("/ticket", body), api.post("/tickets", body)),
            *(api.get(path), api.put(path, body), api.patch(path, {"title": "Third"})),
        ]

        assert [version_in(response["ETag"]) for response in responses] == [1, 1, 1, 2, 3]
        assert [response.json()["version"] for response in responses] == [1, 1, 1, 2, 3]

    def test_is_on_no_other_response(self, ticket: Ticket, path: str, assignee: User, api: APIClient) -> None:
        responses = [
            *(api.get("/tickets"), api.get(f"{path}/history"), api.get("/tickets/0")),
            *(api.post(f"{path}/assign", {"userId": assignee.pk}), api.patch(path, {"title": ""})),
        ]

        assert not any("ETag" in response for response in responses)

    def test_is_the_same_for_the_same_body(self, path: str, api: APIClient, agent: User, signed_in: SignedIn) -> None:
        assert api.get(path)["ETag"] == api.get(path)["ETag"] == signed_in(agent).get(path)["ETag"]

    def test_changes_with_an_assignees_name_but_keeps_the_version(
        self, ticket: Ticket, assignee: User, path: str, api: APIClient
    ) -> None:
        assign(ticket, assignee)
        before = api.get(path)["ETag"]
        User.objects.filter(pk=assignee.pk).update(name="Alex Assignee")

        after = api.get(path)["ETag"]

        assert before != after
        assert version_in(before) == version_in(after) == 2

    def test_is_on_a_replayed_response(self, api: APIClient) -> None:
        first, second = (
            api.post("/ticket", {"title": "Fix it"}, headers={"Idempotency-Key": "once"}) for _ in range(2)
        )

        assert first["ETag"] == second["ETag"]
        assert second["Idempotent-Replayed"] == "true"


class TestIfNoneMatch:
    @pytest.mark.parametrize("written", ["{}", "W/{}", '"x", {}', ' "1-0" ,W/{} ', "*"])
    def test_current_tag_is_304(self, written: str, path: str, api: APIClient) -> None:
        tag = api.get(path)["ETag"]

        response = api.get(path, headers={"If-None-Match": written.format(tag)})

        assert (response.status_code, response.content, response["ETag"]) == (304, b"", tag)

    @pytest.mark.parametrize("written", ["", '"1"', '"1-0000000000000000"', "garbage", '"', "W/"])
    def test_any_other_tag_gets_the_ticket(self, written: str, path: str, api: APIClient) -> None:
        response = api.get(path, headers={"If-None-Match": written})

        assert (response.status_code, response.json()["version"]) == (200, 1)

    def test_changed_ticket_is_sent_again(self, path: str, api: APIClient) -> None:
        tag = api.get(path)["ETag"]
        api.patch(path, {"title": "Another"})

        response = api.get(path, headers={"If-None-Match": tag})

        assert (response.status_code, response.json()["title"]) == (200, "Another")

    def test_hidden_ticket_is_still_404(self, owner: User, outsider: User, signed_in: SignedIn) -> None:
        hidden = make_ticket(owner, project=make_project(visibility=Visibility.INVOLVED))

        response = signed_in(outsider).get(f"/tickets/{hidden.pk}", headers={"If-None-Match": "*"})

        assert response.status_code == 404


class TestIfMatch:
    @pytest.fixture
    def changed(self, path: str, api: APIClient) -> str:
        """The outdated tag of a ticket whose title and then status have changed."""
        tag: str = api.get(path)["ETag"]
        for change in ({"title": "Meanwhile"}, {"status": "in-progress"}):
            api.patch(path, change)
        return tag

    @pytest.mark.parametrize("written", ["{}", "W/{}", '"1"', "1", "W/1", '"1-0"', '"7", {}', "x,1", "*", '"9", *'])
    def test_current_version_passes(self, written: str, path: str, api: APIClient) -> None:
        tag = written.format(api.get(path)["ETag"])

        response = api.patch(path, {"title": "Another"}, headers={"If-Match": tag})

        assert (response.status_code, response.json()["version"]) == (200, 2)

    @pytest.mark.parametrize("written", ["{}", "W/{}", '"1"', "1", '"1-ffff", "2"'])
    def test_older_version_is_412(self, written: str, changed: str, path: str, api: APIClient) -> None:
        response = api.patch(path, {"price": 5}, headers={"If-Match": written.format(changed)})

        assert_refused(response, 412, "The ticket has changed since you read it")
        assert {"field": "status", "message": CHANGED} in response.json()["errors"]
        assert response.json()["code"] == "precondition_failed"
        assert api.get(path).json()["price"] is None

    def test_names_changed_fields(
        self, changed: str, ticket: Ticket, path: str, assignee: User, api: APIClient
    ) -> None:
        assign(ticket, assignee)
        api.patch(path, {"dueDate": "2099-08-01T18:00:00Z", "priority": "high", "project": make_project().pk})

        response = api.patch(path, {"price": 5}, headers={"If-Match": changed})

        fields = [fault["field"] for fault in response.json()["errors"]]
        assert fields == ["title", "project", "status", "priority", "dueDate", "slaDue", "assignedUsers"]

    @pytest.mark.parametrize("written", ["", "garbage", '"', '"one"', '"-1"', "1.0", '"99999999999"', '"4-x"', '"2'])
    def test_garbage_is_412(self, written: str, path: str, api: APIClient) -> None:
        response = api.patch(path, {"title": "Another"}, headers={"If-Match": written})

        assert_refused(response, 412, "The ticket has changed since you read it")
        assert "errors" not in response.json()

    def test_takes_precedence_over_the_body(self, changed: str, path: str, api: APIClient) -> None:
        by_header = api.patch(path, {"price": 5, "version": 3}, headers={"If-Match": changed})
        by_anything = api.patch(path, {"price": 6, "version": 1}, headers={"If-Match": "*"})
        by_newest = api.patch(path, {"price": 7, "version": 1}, headers={"If-Match": '"4"'})

        assert [response.status_code for response in (by_header, by_anything, by_newest)] == [412, 200, 200]

    def test_applies_to_put(self, changed: str, ticket: Ticket, path: str, api: APIClient) -> None:
        body = {"title": "Another", "project": ticket.project_id, "status": "open"}

        assert api.put(path, body, headers={"If-Match": changed}).status_code == 412
        assert api.put(path, body, headers={"If-Match": '"3"'}).status_code == 200

    def test_outsider_gets_403_first(self, path: str, outsider: User, signed_in: SignedIn) -> None:
        response = signed_in(outsider).patch(path, {"title": "Another"}, headers={"If-Match": '"9"'})

        assert_refused(response, 403, "Unauthorized")


class TestVersion:
    """`version` in the body."""

    def test_current_version_is_accepted(self, path: str, api: APIClient) -> None:
        responses = [
            api.patch(path, {"title": title, "version": version}) for version, title in ((1, "One"), (2, "Two"))
        ]

        assert [response.status_code for response in responses] == [200, 200]

    @pytest.mark.parametrize("version", [1, 3, 2**31])
    def test_other_version_is_409(self, version: int, path: str, api: APIClient) -> None:
        api.patch(path, {"title": "Meanwhile"})

        response = api.patch(path, {"title": "Another", "version": version})

        assert_refused(response, 409, "The ticket has changed since you read it")
        assert response.json()["code"] == "version_conflict"
        fields = [fault["field"] for fault in response.json().get("errors", [])]
        assert fields == (["title"] if version == 1 else [])
        assert api.get(path).json()["title"] == "Meanwhile"

    def test_is_optional(self, path: str, api: APIClient) -> None:
        for title in ("One", "Two"):
            assert api.patch(path, {"title": title}).status_code == 200

        assert api.get(path).json()["title"] == "Two"
