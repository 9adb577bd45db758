"""Tickets over HTTP: JSON, statuses and messages. test_services.py tests the rules."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from projects.models import Project
from projects.tests.factories import make_project
from sla.models import Calendar, SlaPolicy
from tickets import services
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]

KEYS_OF_CREATED = [
    *("id", "title", "description", "type", "venue", "status", "price", "priority", "dueDate", "createdBy"),
    *("assignedUsers", "project", "createdDate", "updatedDate", "activityDate", "slaDue", "labels", "version"),
]
HUGE_IDS = [2**31, 2**63 - 1, 2**63, 2**64, 10**30]

# Values that each field refuses. Some can only be written as raw JSON; see below.
REFUSED: dict[str, list[Any]] = {
    "title": [
        *("", "   ", None, 5, True, [], {}, "t" * 256, "a\x00b", "a\nb", "a\r\nb"),
        *(f"a{character}b" for character in "\t\x01\x1b\x7f\x85\u2028\u2029\u202a\u202e\u2066\u2069"),
    ],
    "description": [5, True, ["text"], "d" * 20_001, "a\x00b"],
    "type": ["", " ", 5, False, "t" * 51, "a\nb", "a\x00b"],
    "venue": [5, True, {}, "v" * 256, "a\nb", "a\x00b"],
    "status": ["", "resolved", "Open", "open ", "in--progress", 1, True, [], {}],
    "priority": ["", "urgent", "High", 1, True, [], {}],
    "price": [
        *("", "1e3", "-0.01", True, False, [], {}, -0.01, -1, 1.005, 0.001, 1e-7),
        *(100_000_000, 99_999_999.995, 1e20, 1e300, -1e300, 2**63, 2**64, 10**40),
    ],
    "project": ["", "General", True, [], {}, 1.5, 0, -1, *HUGE_IDS],
    "createdBy": ["", "user_id", True, [], {}, 1.5, 0, -1, "１", "1_0", *HUGE_IDS],
    "dueDate": [
        *("", "tomorrow", 5, True, [], {}, "2099-08-01", "2099-08-01T18:00:00"),
        *("2099-02-30T00:00:00Z", "2099-08-01T25:00:00Z", "2099-08-01T18:00:00+99:00", "10000-01-01T00:00:00Z"),
        *("2024-08-01T18:00:00Z", "0001-01-01T00:00:00Z"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    ],
    "assignedUsers": [5, "1", True, {}, list(range(1, 102))],
}


def post_raw(api: APIClient, path: str, body: str) -> Any:
    """Post JSON text that no Python value serializes to."""
    return api.generic("POST", path, body, content_type="application/json")


def assert_refused(response: Any, status: int, message: str) -> None:
    assert (response.status_code, response.json()["message"]) == (status, message)
    assert response["Content-Type"] == "application/problem+json"


def assert_invalid(response: Any, *fields: str) -> None:
    """Assert a 400 that names these fields, and that no ticket was created."""
    assert response.status_code == 400, response.content
    assert sorted({fault["field"] for fault in response.json()["errors"]}) == sorted(fields)
    assert not Ticket.objects.exists()


class TestCreate:
    """POST /ticket (document 000)."""

    def test_returns_the_ticket(self, owner: User, api: APIClient) -> None:
        project = make_project()

        response = api.post(
            "/ticket",
            {
                "title": " Ticket Title ",
                "description": "Ticket\r\nDescription",
                "type": "concert",
                "venue": "Venue Name",
                "status": "in-progress",
                "price": 223,
                "priority": "high",
                "dueDate": "2099-08-01T20:00:00+02:00",
                "project": project.pk,
            },
        )

        assert response.status_code == 201
        assert list(response.json()) == KEYS_OF_CREATED
        ticket = Ticket.objects.get()
        assert response.json() == {
            "id": ticket.pk,
            "title": "Ticket Title",
            "description": "Ticket\r\nDescription",
            "type": "concert",
            "venue": "Venue Name",
            "status": "in-progress",
            "price": 223,
            "priority": "high",
            "dueDate": "2099-08-01T18:00:00Z",
            "createdBy": owner.pk,
            "assignedUsers": [],
            "project": project.pk,
            "createdDate": response.json()["createdDate"],
            "updatedDate": None,
            "activityDate": response.json()["createdDate"],
            "slaDue": response.json()["slaDue"],
            "labels": [],
            "version": 1,
        }
        created, due = (datetime.fromisoformat(response.json()[key]) for key in ("createdDate", "slaDue"))
        assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)
        assert due - created == timedelta(hours=4)

    def test_requires_only_a_title(self, owner: User, api: APIClient) -> None:
        response = api.post("/ticket", {"title": "Fix it"})

        assert response.status_code == 201
        left_out = {"description", "type", "venue", "status", "price", "priority", "dueDate", "createdBy", "project"}
        assert {key: response.json()[key] for key in left_out} == {
            "description": "",
            "type": "task",
            "venue": "",
            "status": "open",
            "price": None,
            "priority": "medium",
            "dueDate": None,
            "createdBy": owner.pk,
            "project": Project.objects.general().pk,
        }

    def test_accepts_null_for_optional_fields(self, owner: User, api: APIClient) -> None:
        nothing: dict[str, Any] = dict.fromkeys(["project", "price", "dueDate", "createdBy"])

        response = api.post("/ticket", {"title": "Fix it"} | nothing)

        assert response.status_code == 201
        assert (response.json()["price"], response.json()["createdBy"]) == (None, owner.pk)

    def test_ignores_read_only_fields(self, api: APIClient) -> None:
        response = api.post(
            "/ticket", {"title": "Fix it", "id": 7, "version": 9, "createdDate": "2001-01-01T00:00:00Z"}
        )

        assert response.status_code == 201
        assert response.json()["version"] == 1
        assert response.json()["createdDate"] > "2001-01-02"

    def test_returns_what_get_returns_afterwards(self, api: APIClient, assignee: User, outsider: User) -> None:
        body = {"title": "Fix it", "price": 19.9, "assignedUsers": [outsider.pk, assignee.pk]}

        created = api.post("/ticket", body).json()

        read = api.get(f"/tickets/{created['id']}").json()
        assert created["assignedUsers"] == [
            {"userId": outsider.pk, "name": "Otto Outsider", "email": outsider.email},
            {"userId": assignee.pk, "name": "Axel Assignee", "email": assignee.email},
        ]
        details = {"mergedInto": None, "mergedFrom": [], "watching": False, "sla": read["sla"]}
        assert read == created | {"statistics": {"totalAssigned": 2, "status": "open"}} | details

    def test_admin_can_set_the_creator(self, owner: User, admin: User, signed_in: SignedIn) -> None:
        response = signed_in(admin).post("/ticket", {"title": "Fix it", "createdBy": owner.pk})

        assert (response.status_code, response.json()["createdBy"]) == (201, owner.pk)

    @pytest.mark.parametrize("written", [str, float])
    def test_accepts_ids_as_strings_and_floats(
        self, written: Callable[[int], Any], owner: User, api: APIClient
    ) -> None:
        response = api.post("/ticket", {"title": "Fix it", "createdBy": written(owner.pk)})

        assert (response.status_code, response.json()["createdBy"]) == (201, owner.pk)

    @pytest.mark.parametrize(("assignees", "queries"), [(0, 7), (5, 9)])
    def test_runs_seven_queries_and_with_assignees_nine(
        self,
        assignees: int,
        queries: int,
        api: APIClient,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        body = {"title": "Fix it", "assignedUsers": [make_user().pk for _ in range(assignees)]}

        with django_assert_num_queries(queries):
            response = api.post("/ticket", body)

        assert len(response.json()["assignedUsers"]) == assignees


class TestCreateInProject:
    """POST /tickets (document 001)."""

    def test_returns_the_ticket(self, api: APIClient) -> None:
        project = make_project()

        response = api.post("/tickets", {"title": "Fix the database", "project": project.pk, "status": "open"})

        assert response.status_code == 201
        assert list(response.json()) == KEYS_OF_CREATED
        assert response.json()["project"] == project.pk

    def test_requires_title_project_and_status(self, api: APIClient) -> None:
        assert_invalid(api.post("/tickets", {}), "title", "project", "status")

    def test_refuses_null_as_project(self, api: APIClient) -> None:
        assert_invalid(api.post("/tickets", {"title": "Fix it", "project": None, "status": "open"}), "project")

    def test_otherwise_has_the_same_rules_as_post_ticket(
        self, owner: User, api: APIClient, outsider: User, admin: User
    ) -> None:
        project = make_project().pk
        refused: list[dict[str, Any]] = [
            {"createdBy": outsider.pk},
            {"assignedUsers": [admin.pk]},
            {"price": -1},
            {"type": ""},
        ]

        for body in refused:
            whole = {"title": "Fix it", "project": project, "status": "open"} | body
            one, other = api.post("/ticket", whole), api.post("/tickets", whole)
            assert one.status_code == other.status_code >= 400
            assert one.json()["message"] == other.json()["message"]


class TestFieldValidation:
    @pytest.mark.parametrize(
        ("field", "value"), [(field, value) for field, values in REFUSED.items() for value in values]
    )
    def test_refuses_invalid_values(self, field: str, value: Any, api: APIClient) -> None:
        response = api.post("/ticket", {"title": "Fix it"} | {field: value})

        assert_invalid(response, field)

    @pytest.mark.parametrize("value", ["", "x", None, True, [], {}, 1.5])
    def test_names_the_position_of_an_invalid_assignee(self, value: Any, api: APIClient, assignee: User) -> None:
        response = api.post("/ticket", {"title": "Fix it", "assignedUsers": [assignee.pk, value]})

        assert_invalid(response, "assignedUsers.1")

    @pytest.mark.parametrize(
        ("field", "value", "kept"),
        [
            ("title", "t" * 255, "t" * 255),
            ("title", f"  {'t' * 255}\n", "t" * 255),
            ("title", "Ünïcödé 🎟 <b>&amp;</b> ' OR 1=1 --", "Ünïcödé 🎟 <b>&amp;</b> ' OR 1=1 --"),
            ("title", "100%", "100%"),
            ("description", "d" * 20_000, "d" * 20_000),
            ("description", " one\r\n\ttwo ", "one\r\n\ttwo"),
            ("description", "", ""),
            ("type", "t" * 50, "t" * 50),
            ("type", "whatever it is", "whatever it is"),
            ("venue", "v" * 255, "v" * 255),
            ("venue", " ", ""),
            ("status", "in progress", "in-progress"),
            ("status", "in_progress", "in-progress"),
            ("status", "closed", "closed"),
            ("price", 0, 0),
            ("price", -0.0, 0),
            ("price", 19.99, 19.99),
            ("price", 19.9, 19.9),
            ("price", 223.00, 223),
            ("price", 99_999_999.99, 99_999_999.99),
            ("dueDate", "2099-08-01T18:00:00+05:30", "2099-08-01T12:30:00Z"),
            ("dueDate", "2099-08-01T18:00:00.123456Z", "2099-08-01T18:00:00.123Z"),
            ("dueDate", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
            ("dueDate", "9999-12-31T23:59:59+14:00", "9999-12-31T09:59:59Z"),
            ("assignedUsers", [], []),
        ],
    )
    def test_accepts_valid_values(self, field: str, value: Any, kept: Any, api: APIClient) -> None:
        response = api.post("/ticket", {"title": "Fix it"} | {field: value})

        assert response.status_code == 201, response.content
        assert response.json()[field] == kept
        assert api.get(f"/tickets/{response.json()['id']}").json()[field] == kept

    @pytest.mark.parametrize("price", ["1e400", "-1e400", "1E+99999", "9" * 400])
    def test_refuses_huge_numbers(self, price: str, api: APIClient) -> None:
        response = post_raw(api, "/ticket", f'{{"title": "Fix it", "price": {price}}}')

        assert response.status_code == 400
        assert not Ticket.objects.exists()

    @pytest.mark.parametrize("price", ["NaN", "Infinity", "-Infinity", "0x10", "01", ".5", "1."])
    def test_refuses_invalid_json_numbers(self, price: str, api: APIClient) -> None:
        response = post_raw(api, "/ticket", f'{{"title": "Fix it", "price": {price}}}')

        assert_refused(response, 400, "The request body is not valid JSON")

    @pytest.mark.parametrize("field", ["title", "description", "type", "venue", "status", "dueDate"])
    @pytest.mark.parametrize("text", [r"\ud800", r"\udfff", r"a\udc00\ud800b"])
    def test_refuses_lone_surrogates(self, field: str, text: str, api: APIClient) -> None:
        response = post_raw(api, "/ticket", f'{{"title": "Fix it", "{field}": "{text}"}}')

        assert response.status_code == 400
        assert not Ticket.objects.exists()

    def test_names_all_invalid_fields_at_once(self, api: APIClient) -> None:
        response = api.post("/ticket", {"price": -1, "status": "resolved", "dueDate": "tomorrow", "type": ""})

        assert_invalid(response, "title", "price", "status", "dueDate", "type")


class TestCreateRefuses:
    @pytest.mark.parametrize("path", ["/ticket", "/tickets"])
    def test_requires_a_token(self, path: str, anonymous: APIClient) -> None:
        response = anonymous.post(path, {"title": "Fix it"})

        assert_refused(response, 401, "Authentication required")
        assert not Ticket.objects.exists()

    def test_due_date_in_the_past(self, api: APIClient) -> None:
        response = api.post("/ticket", {"title": "Fix it", "dueDate": "2024-08-01T18:00:00Z"})

        assert response.json()["errors"] == [{"field": "dueDate", "message": "The due date must be in the future."}]

    def test_another_creator_without_admin_rights(self, api: APIClient, outsider: User) -> None:
        assert_refused(api.post("/ticket", {"title": "Fix it", "createdBy": outsider.pk}), 403, "Unauthorized")

    def test_assignees_of_a_closed_ticket(self, api: APIClient, assignee: User) -> None:
        response = api.post("/ticket", {"title": "Fix it", "status": "closed", "assignedUsers": [assignee.pk]})

        assert_refused(response, 409, "Cannot assign users to a closed ticket")

    @pytest.mark.parametrize("user_id", [0, -1, *HUGE_IDS])
    def test_unknown_assignee(self, user_id: int, api: APIClient) -> None:
        response = api.post("/ticket", {"title": "Fix it", "assignedUsers": [user_id]})

        assert_refused(response, 404, "User does not exist")

    def test_admin_as_assignee(self, api: APIClient, admin: User) -> None:
        response = api.post("/ticket", {"title": "Fix it", "assignedUsers": [admin.pk]})

        assert_refused(response, 400, "Cannot assign a ticket to an admin")

    def test_duplicate_assignee(self, api: APIClient, assignee: User) -> None:
        response = api.post("/ticket", {"title": "Fix it", "assignedUsers": [assignee.pk, assignee.pk]})

        assert_refused(response, 409, "User already assigned")

    @pytest.mark.parametrize("many", [6, 100])
    def test_more_than_five_assignees(self, many: int, api: APIClient) -> None:
        crowd = [make_user().pk for _ in range(6)]

        response = api.post("/ticket", {"title": "Fix it", "assignedUsers": (crowd * many)[:many]})

        assert_refused(response, 409, "User assignment limit reached")
        assert not Ticket.objects.exists()


class TestRetrieve:
    def test_returns_the_ticket(self, owner: User, assignee: User, outsider: User, signed_in: SignedIn) -> None:
        ticket = make_ticket(owner, price=223, venue="Venue Name", created_at=datetime(2024, 7, 1, 18, tzinfo=UTC))
        assign(ticket, assignee, outsider)

        response = signed_in(outsider).get(f"/tickets/{ticket.pk}")

        assert response.status_code == 200
        assert list(response.json()) == [*KEYS_OF_CREATED, "mergedInto", "mergedFrom", "watching", "statistics", "sla"]
        updated = response.json()["updatedDate"]
        assert response.json() == {
            "id": ticket.pk,
            "title": "Fix the database",
            "description": "",
            "type": "task",
            "venue": "Venue Name",
            "status": "open",
            "price": 223,
            "priority": "medium",
            "dueDate": None,
            "createdBy": owner.pk,
            "assignedUsers": [
                {"userId": assignee.pk, "name": "Axel Assignee", "email": assignee.email},
                {"userId": outsider.pk, "name": "Otto Outsider", "email": outsider.email},
            ],
            "project": Project.objects.general().pk,
            "createdDate": "2024-07-01T18:00:00Z",
            "updatedDate": updated,
            "activityDate": updated,
            "slaDue": "2024-07-02T18:00:00Z",
            "labels": [],
            "version": 3,
            "mergedInto": None,
            "mergedFrom": [],
            "watching": False,
            "statistics": {"totalAssigned": 2, "status": "open"},
            "sla": {
                "policy": "medium",
                "hours": 24,
                "calendar": None,
                "onHold": False,
                "onHoldSince": None,
                "holdReason": "",
                "heldSeconds": 0,
                "closedDate": None,
                "state": "breached",
                "because": "24 h round the clock",
            },
        }
        assert updated.endswith("Z")
        assert datetime.fromisoformat(updated) > ticket.created_at

    @pytest.mark.parametrize("role", ["owner", "agent", "admin"])
    def test_shows_a_hidden_ticket_to_creator_and_staff(
        self, role: str, request: pytest.FixtureRequest, hidden_ticket: Ticket, signed_in: SignedIn
    ) -> None:
        response = signed_in(request.getfixturevalue(role)).get(f"/tickets/{hidden_ticket.pk}")

        assert response.status_code == 200

    def test_shows_a_hidden_ticket_to_an_assignee_until_removed(
        self, hidden_ticket: Ticket, assignee: User, api: APIClient, signed_in: SignedIn
    ) -> None:
        assign(hidden_ticket, assignee)
        path = f"/tickets/{hidden_ticket.pk}"
        before = signed_in(assignee).get(path)

        api.delete(f"{path}/assign/{assignee.pk}")

        after = signed_in(assignee).get(path)
        assert (before.status_code, after.status_code) == (200, 404)

    def test_requires_a_token(self, ticket: Ticket, anonymous: APIClient) -> None:
        assert_refused(anonymous.get(f"/tickets/{ticket.pk}"), 401, "Authentication required")

    @pytest.mark.parametrize("ticket_id", [0, *HUGE_IDS])
    def test_unknown_ticket_is_404(self, ticket_id: int, api: APIClient) -> None:
        assert_refused(api.get(f"/tickets/{ticket_id}"), 404, "Ticket not found")

    def test_hidden_ticket_is_404_for_others(self, hidden_ticket: Ticket, outsider: User, signed_in: SignedIn) -> None:
        assert_refused(signed_in(outsider).get(f"/tickets/{hidden_ticket.pk}"), 404, "Ticket not found")

    @pytest.mark.parametrize("path", ["/tickets/x", "/tickets/-1", "/tickets/1.0", "/tickets/1/", "/tickets/%00"])
    def test_malformed_path_is_404(self, path: str, ticket: Ticket, api: APIClient) -> None:
        response = api.get(path)

        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"

    def test_id_of_5000_digits_is_404(self, api: APIClient) -> None:
        assert api.get(f"/tickets/{'9' * 5000}").status_code == 404

    @pytest.mark.parametrize("assignees", [0, 5])
    def test_runs_two_queries(
        self, assignees: int, ticket: Ticket, api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        assign(ticket, *(make_user() for _ in range(assignees)))

        with django_assert_num_queries(2):
            response = api.get(f"/tickets/{ticket.pk}")

        assert response.json()["statistics"]["totalAssigned"] == assignees


class TestDelete:
    @pytest.mark.parametrize("role", ["owner", "admin"])
    def test_is_405_for_everyone(
        self, role: str, request: pytest.FixtureRequest, ticket: Ticket, signed_in: SignedIn
    ) -> None:
        response = signed_in(request.getfixturevalue(role)).delete(f"/tickets/{ticket.pk}")

        assert response.status_code == 405
        assert "DELETE" not in response["Allow"]
        assert Ticket.objects.exists()


class TestAssign:
    def test_returns_a_message(self, ticket: Ticket, assignee: User, api: APIClient) -> None:
        response = api.post(f"/tickets/{ticket.pk}/assign", {"userId": assignee.pk})

        assert (response.status_code, response.json()) == (200, {"message": "User assigned successfully"})
        assert list(ticket.assignees.all()) == [assignee]

    def test_requires_a_token(self, ticket: Ticket, assignee: User, anonymous: APIClient) -> None:
        response = anonymous.post(f"/tickets/{ticket.pk}/assign", {"userId": assignee.pk})

        assert_refused(response, 401, "Authentication required")

    @pytest.mark.parametrize("user_id", [None, "", "user_id", True, [], {}, 1.5, "1_0", "٣", "-"])
    def test_refuses_an_invalid_user_id(self, user_id: Any, ticket: Ticket, api: APIClient) -> None:
        response = api.post(f"/tickets/{ticket.pk}/assign", {"userId": user_id})

        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == ["userId"]

    def test_requires_a_user_id(self, ticket: Ticket, api: APIClient) -> None:
        response = api.post(f"/tickets/{ticket.pk}/assign")

        assert_refused(response, 400, "userId: This field is required.")

    @pytest.mark.parametrize("ticket_id", [0, *HUGE_IDS])
    def test_unknown_ticket_is_404(self, ticket_id: int, assignee: User, api: APIClient) -> None:
        response = api.post(f"/tickets/{ticket_id}/assign", {"userId": assignee.pk})

        assert_refused(response, 404, "Ticket not found")

    def test_hidden_ticket_is_404_for_others(
        self, hidden_ticket: Ticket, assignee: User, outsider: User, signed_in: SignedIn
    ) -> None:
        response = signed_in(outsider).post(f"/tickets/{hidden_ticket.pk}/assign", {"userId": assignee.pk})

        assert_refused(response, 404, "Ticket not found")

    def test_refuses_an_outsider(self, ticket: Ticket, outsider: User, signed_in: SignedIn) -> None:
        response = signed_in(outsider).post(f"/tickets/{ticket.pk}/assign", {"userId": outsider.pk})

        assert_refused(response, 403, "Unauthorized")

    def test_refuses_a_closed_ticket(self, owner: User, assignee: User, api: APIClient) -> None:
        closed = make_ticket(owner, status=Status.CLOSED)

        response = api.post(f"/tickets/{closed.pk}/assign", {"userId": assignee.pk})

        assert_refused(response, 409, "Cannot assign users to a closed ticket")

    @pytest.mark.parametrize("user_id", [0, -1, *HUGE_IDS])
    def test_unknown_user_is_404(self, user_id: int, ticket: Ticket, api: APIClient) -> None:
        response = api.post(f"/tickets/{ticket.pk}/assign", {"userId": user_id})

        assert_refused(response, 404, "User does not exist")

    def test_refuses_an_admin(self, ticket: Ticket, admin: User, api: APIClient) -> None:
        response = api.post(f"/tickets/{ticket.pk}/assign", {"userId": admin.pk})

        assert_refused(response, 400, "Cannot assign a ticket to an admin")

    def test_refuses_a_duplicate(self, ticket: Ticket, assignee: User, api: APIClient) -> None:
        assign(ticket, assignee)

        response = api.post(f"/tickets/{ticket.pk}/assign", {"userId": assignee.pk})

        assert_refused(response, 409, "User already assigned")

    def test_refuses_a_sixth_user(self, ticket: Ticket, assignee: User, api: APIClient) -> None:
        assign(ticket, *(make_user() for _ in range(5)))

        response = api.post(f"/tickets/{ticket.pk}/assign", {"userId": assignee.pk})

        assert_refused(response, 409, "User assignment limit reached")

    @pytest.mark.parametrize("assigned", [0, 4])
    def test_runs_seven_queries(
        self,
        assigned: int,
        ticket: Ticket,
        assignee: User,
        api: APIClient,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        assign(ticket, *(make_user() for _ in range(assigned)))

        with django_assert_num_queries(7):
            response = api.post(f"/tickets/{ticket.pk}/assign", {"userId": assignee.pk})

        assert response.status_code == 200


class TestUnassign:
    def test_returns_204_without_a_body(self, ticket: Ticket, assignee: User, api: APIClient) -> None:
        assign(ticket, assignee)

        response = api.delete(f"/tickets/{ticket.pk}/assign/{assignee.pk}")

        assert (response.status_code, response.content) == (204, b"")
        assert not ticket.assignments.exists()

    def test_users_can_unassign_themselves(self, ticket: Ticket, assignee: User, signed_in: SignedIn) -> None:
        assign(ticket, assignee)

        response = signed_in(assignee).delete(f"/tickets/{ticket.pk}/assign/{assignee.pk}")

        assert response.status_code == 204

    def test_requires_a_token(self, ticket: Ticket, assignee: User, anonymous: APIClient) -> None:
        response = anonymous.delete(f"/tickets/{ticket.pk}/assign/{assignee.pk}")

        assert_refused(response, 401, "Authentication required")

    def test_refuses_an_outsider(self, ticket: Ticket, assignee: User, outsider: User, signed_in: SignedIn) -> None:
        assign(ticket, assignee)

        response = signed_in(outsider).delete(f"/tickets/{ticket.pk}/assign/{assignee.pk}")

        assert_refused(response, 403, "Unauthorized")

    @pytest.mark.parametrize("ticket_id", [0, *HUGE_IDS])
    def test_unknown_ticket_is_404(self, ticket_id: int, assignee: User, api: APIClient) -> None:
        assert_refused(api.delete(f"/tickets/{ticket_id}/assign/{assignee.pk}"), 404, "Ticket not found")

    def test_hidden_ticket_is_404_for_others(self, hidden_ticket: Ticket, outsider: User, signed_in: SignedIn) -> None:
        response = signed_in(outsider).delete(f"/tickets/{hidden_ticket.pk}/assign/{outsider.pk}")

        assert_refused(response, 404, "Ticket not found")

    @pytest.mark.parametrize("user_id", [0, *HUGE_IDS])
    def test_user_who_is_not_assigned_is_404(self, user_id: int, ticket: Ticket, api: APIClient) -> None:
        assert_refused(api.delete(f"/tickets/{ticket.pk}/assign/{user_id}"), 404, "User is not assigned")

    def test_runs_five_queries(
        self, ticket: Ticket, assignee: User, api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        assign(ticket, assignee, *(make_user() for _ in range(4)))

        with django_assert_num_queries(5):
            response = api.delete(f"/tickets/{ticket.pk}/assign/{assignee.pk}")

        assert response.status_code == 204


class TestWrongMethod:
    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("get", "/ticket", "POST"),
            ("put", "/ticket", "POST"),
            ("post", "/tickets/{ticket}", "GET"),
            ("get", "/tickets/{ticket}/assign", "POST"),
            ("post", "/tickets/{ticket}/assign/{user}", "DELETE"),
        ],
    )
    def test_is_405_and_names_the_allowed_ones(
        self, method: str, path: str, allowed: str, ticket: Ticket, assignee: User, api: APIClient
    ) -> None:
        response = api.generic(method.upper(), path.format(ticket=ticket.pk, user=assignee.pk))

        assert response.status_code == 405
        assert allowed in response["Allow"]
        assert response["Content-Type"] == "application/problem+json"


class TestHold:
    def test_pauses_the_clock(self, ticket: Ticket, staff_api: APIClient) -> None:
        path = f"/tickets/{ticket.pk}"

        response = staff_api.post(f"{path}/hold", {"reason": "Waiting for the customer"})

        assert response.status_code == 200
        assert response.json() == staff_api.get(path).json()
        assert response["ETag"].startswith('"2-')
        assert (response.json()["slaDue"], response.json()["version"]) == (None, 2)
        sla = response.json()["sla"]
        assert sla["because"] == f"24 h round the clock, on hold since {sla['onHoldSince']}"
        assert {key: sla[key] for key in ("onHold", "holdReason", "heldSeconds", "state")} == {
            "onHold": True,
            "holdReason": "Waiting for the customer",
            "heldSeconds": 0,
            "state": "on-hold",
        }

    def test_reason_and_body_are_optional(self, ticket: Ticket, staff_api: APIClient) -> None:
        assert staff_api.generic("POST", f"/tickets/{ticket.pk}/hold").status_code == 200

    def test_resume_extends_the_deadline_by_the_time_on_hold(self, owner: User, staff_api: APIClient) -> None:
        ticket = make_ticket(owner, held_at=timezone.now() - timedelta(minutes=130), hold_reason="Waiting")

        response = staff_api.post(f"/tickets/{ticket.pk}/resume")

        assert response.status_code == 200
        sla = response.json()["sla"]
        assert sla["because"] == "24 h round the clock, on hold 2 h 10 m"
        assert (sla["onHold"], sla["onHoldSince"], sla["holdReason"], sla["state"]) == (False, None, "", "ok")
        moved = datetime.fromisoformat(response.json()["slaDue"]) - ticket.sla_due_at
        assert moved == timedelta(seconds=sla["heldSeconds"])
        assert 7800 <= sla["heldSeconds"] < 7860

    def test_shows_the_calendar(self, owner: User, staff_api: APIClient) -> None:
        calendar = Calendar.objects.create(name="Office hours")
        SlaPolicy.objects.filter(pk="high").update(calendar=calendar)
        ticket = services.create(by=owner, at=timezone.now(), title="New", priority="high")
        Ticket.objects.filter(pk=ticket.pk).update(held_seconds=7800)

        sla = staff_api.get(f"/tickets/{ticket.pk}").json()["sla"]

        assert (sla["policy"], sla["hours"], sla["calendar"]) == ("high", 4, "Office hours")
        assert sla["because"] == "4 h business time, on hold 2 h 10 m"

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(1, "1 s"), (60, "1 m"), (61, "1 m 1 s"), (3600, "1 h"), (3601, "1 h"), (90_000, "1 d 1 h"), (86_460, "1 d")],
    )
    def test_shows_the_duration_in_two_units(self, seconds: int, text: str, owner: User, staff_api: APIClient) -> None:
        ticket = make_ticket(owner, held_seconds=seconds)

        assert (
            staff_api.get(f"/tickets/{ticket.pk}").json()["sla"]["because"] == f"24 h round the clock, on hold {text}"
        )

    def test_shows_whether_a_closed_ticket_met_the_deadline(self, ticket: Ticket, api: APIClient) -> None:
        sla = api.patch(f"/tickets/{ticket.pk}", {"status": "closed"}).json()["sla"]

        assert sla["state"] == "met"
        assert sla["closedDate"].endswith("Z")

    def test_shows_why_it_is_refused(self, owner: User, ticket: Ticket, api: APIClient, staff_api: APIClient) -> None:
        path, closed = f"/tickets/{ticket.pk}", make_ticket(owner, status=Status.CLOSED)

        assert_refused(api.post(f"{path}/hold"), 403, "Unauthorized")
        assert_refused(api.post(f"{path}/resume"), 403, "Unauthorized")
        assert_refused(staff_api.post(f"{path}/resume"), 409, "Ticket is not on hold")
        assert_refused(staff_api.post(f"/tickets/{closed.pk}/hold"), 409, "Cannot put a closed ticket on hold")
        assert staff_api.post(f"{path}/hold", {"reason": "x" * 256}).status_code == 400
        assert staff_api.post(f"{path}/hold", {"reason": "two\nlines"}).status_code == 400
        staff_api.post(f"{path}/hold")
        assert_refused(staff_api.post(f"{path}/hold"), 409, "Ticket is already on hold")

    @pytest.mark.parametrize("action", ["hold", "resume"])
    @pytest.mark.parametrize("ticket_id", [0, *HUGE_IDS])
    def test_unknown_ticket_is_404(self, action: str, ticket_id: int, staff_api: APIClient) -> None:
        assert_refused(staff_api.post(f"/tickets/{ticket_id}/{action}"), 404, "Ticket not found")

    @pytest.mark.parametrize("action", ["hold", "resume"])
    def test_hidden_ticket_is_404_for_others(
        self, action: str, hidden_ticket: Ticket, outsider: User, anonymous: APIClient, signed_in: SignedIn
    ) -> None:
        assert_refused(signed_in(outsider).post(f"/tickets/{hidden_ticket.pk}/{action}"), 404, "Ticket not found")
        assert anonymous.post(f"/tickets/{hidden_ticket.pk}/{action}").status_code == 401

    def test_and_resume_run_seven_queries(
        self, ticket: Ticket, staff_api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        # The caller; BEGIN, lock, change, rereading the row, COMMIT; the ticket.
        with django_assert_num_queries(7):
            staff_api.post(f"/tickets/{ticket.pk}/hold")
        with django_assert_num_queries(7):
            staff_api.post(f"/tickets/{ticket.pk}/resume")

    def test_appears_in_the_history(self, ticket: Ticket, staff_api: APIClient) -> None:
        staff_api.post(f"/tickets/{ticket.pk}/hold", {"reason": "Waiting"})

        latest = staff_api.get(f"/tickets/{ticket.pk}/history").json()["items"][0]

        assert latest["by"]["name"] == "Agnes Agent"
        assert [change["field"] for change in latest["changes"]] == ["onHoldSince", "holdReason"]
        assert latest["changes"][1] == {"field": "holdReason", "from": "", "to": "Waiting"}
