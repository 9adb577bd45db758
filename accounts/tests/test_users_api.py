"""The /users endpoints except for signing up: which users can read and change which."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import queries, tokens
from accounts.models import User, UserType
from accounts.tests.api import SignedIn, in_capitals, login
from accounts.tests.factories import PASSWORD, make_user
from events import services as events
from events.tests.factories import book, make_event
from kit.db import sql
from projects.tests.psql import psql
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

UNKNOWN_ID = 2**40
OVERFLOWING_ID = 2**70
INVALID_VALUES: dict[str, list[Any]] = {
    "name": ["", "ab", " ab ", "x" * 151, "a\nb c", None, 7],
    "email": ["", "nobody", "a@b", "x" * 250 + "@example.com", None, 7],
    "type": ["", "boss", "Admin", None, 7, []],
    "isActive": ["false", 0, 1, None, ""],
}


def pages(api: APIClient, **query: Any) -> Iterator[list[dict[str, Any]]]:
    cursor: str | None = ""
    while cursor is not None:
        page = api.get("/users", query | {"cursor": cursor}).json()
        yield page["items"]
        cursor = page["nextCursor"]


def names(api: APIClient, **query: Any) -> list[str]:
    return [user["name"] for page in pages(api, **query) for user in page]


class TestList:
    def test_shows_all_fields_except_the_password(self, admin: User, signed_in: SignedIn) -> None:
        answer = signed_in(admin).get("/users")

        assert answer.status_code == 200
        (shown,) = answer.json()["items"]
        assert shown.pop("createdAt").endswith("Z")
        assert shown == {
            "id": admin.pk,
            "name": admin.name,
            "email": admin.email,
            "type": "admin",
            "isActive": True,
            "version": 1,
        }
        assert answer.json()["nextCursor"] is None

    def test_is_ordered_by_folded_name_and_then_by_id(self, admin: User, signed_in: SignedIn) -> None:
        for name in ("zora", "Yara", "bob", "Bob", "BOB", "Ärger", "Björn", "argo"):
            make_user(name)

        assert names(signed_in(admin)) == [admin.name, "Ärger", "argo", "Björn", "bob", "Bob", "BOB", "Yara", "zora"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
    def test_pages_show_every_user_once(self, admin: User, signed_in: SignedIn, limit: int) -> None:
        for name in ("Anna", "anna", "Änna", "Zoë Ä", "zoë ä", "50% _"):
            make_user(name)

        found = list(pages(signed_in(admin), limit=limit))

        ids = [user["id"] for page in found for user in page]
        assert sorted(ids) == sorted(User.objects.values_list("pk", flat=True))
        assert all(len(page) == limit for page in found[:-1])

    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("olga", ["Olga Owner"]),
            ("OWN", ["Olga Owner"]),
            ("mail.test", ["Peter Percent"]),
            ("score 100%", []),
            ("score", ["under_score"]),
            ("jerome", ["Jérôme Spöter"]),
            ("SPOTER jér", ["Jérôme Spöter"]),
            ("ólga", ["Olga Owner"]),
            ("更", ["张更新"]),
            ("wner", []),
            ("olga percent", []),
            *(("%", []), ("_", []), ("\\", [])),
            ("nobody", []),
            (" olga ", ["Olga Owner"]),
        ],
    )
    def test_can_be_searched_by_words_of_the_name_or_address(
        self, admin: User, owner: User, signed_in: SignedIn, search: str, found: list[str]
    ) -> None:
        make_user("100% Percent")
        make_user("Jérôme Spöter")
        make_user("张更新")
        make_user("under_score", email="under@example.com")
        make_user("Peter Percent", email="peter@mail.test")

        assert names(signed_in(admin), search=search) == found

    @pytest.mark.parametrize(("type", "found"), [("admin", 1), ("agent", 1), ("customer", 2), ("", 4)])
    def test_can_be_filtered_by_type(
        self,
        admin: User,
        agent: User,
        owner: User,
        outsider: User,
        signed_in: SignedIn,
        type: str,  # noqa: A002
        found: int,
    ) -> None:
        assert len(names(signed_in(admin), type=type)) == found

    def test_includes_deactivated_users(self, admin: User, signed_in: SignedIn) -> None:
        make_user("Paul Paused", is_active=False)

        (paused,) = signed_in(admin).get("/users", {"search": "Paul"}).json()["items"]

        assert paused["isActive"] is False

    @pytest.mark.parametrize(
        "query",
        [
            *("limit=0", "limit=101", "limit=x", "type=boss", "type=Admin", "search=%00"),
            *("cursor=!", "cursor=WzFd", "cursor=W10", "cursor=WyJhIiwiYSJd", "cursor=WyJhIiwtMV0"),
        ],
    )
    def test_refuses_an_invalid_query(self, admin: User, signed_in: SignedIn, query: str) -> None:
        assert signed_in(admin).get(f"/users?{query}").status_code == 400

    @pytest.mark.parametrize("number", [0, 30])
    def test_runs_two_queries_for_any_number_of_users(
        self, admin: User, signed_in: SignedIn, django_assert_num_queries: DjangoAssertNumQueries, number: int
    ) -> None:
        for _ in range(number):
            make_user()
        api = signed_in(admin)

        with django_assert_num_queries(2):
            api.get("/users", {"limit": 20})

    @pytest.mark.parametrize("role", ["owner", "agent"])
    def test_is_for_admins_only(self, request: pytest.FixtureRequest, signed_in: SignedIn, role: str) -> None:
        answer = signed_in(request.getfixturevalue(role)).get("/users")

        assert (answer.status_code, answer.json()["message"]) == (403, "Unauthorized")

    def test_requires_a_token(self, anonymous: APIClient) -> None:
        assert anonymous.get("/users").status_code == 401


@pytest.mark.slow
@pytest.mark.database
class TestQueryPlan:
    """With 100,000 users, half of whom have the same name."""

    @pytest.fixture
    def _many_users(self, db: None) -> None:
        psql(
            "INSERT INTO accounts_user (name, email, password, type, is_active, is_superuser, created_at)"
            " SELECT CASE WHEN mod(n, 2) = 0 THEN 'Alex Same' ELSE 'Person ' || n END, n || '@example.com', '!',"
            " 'customer', true, false, now() FROM generate_series(1, 100000) AS n"
        )
        psql("ANALYZE accounts_user")

    @pytest.mark.usefixtures("_many_users")
    def test_reads_only_one_page_from_the_index_at_any_depth(self) -> None:
        last_of_the_name = User.objects.filter(name="Alex Same").order_by("-pk")[0]
        queries.users(limit=21)
        statements: Any = connection._prepared.statements  # type: ignore[attr-defined]
        statement = statements[sql.text("accounts/users")].name.decode()

        for name, user_id in (("", 0), (last_of_the_name.name, last_of_the_name.pk)):
            parameters = f"'{name}', {user_id}, NULL, '', 21"
            lines = psql(f"EXPLAIN (ANALYZE, COSTS OFF) EXECUTE {statement} ({parameters})")
            plan = "\n".join(line for (line,) in lines)

            assert "Index Scan using user_name" in plan
            assert "Sort" not in plan
            assert "Rows Removed" not in plan


class TestRead:
    def test_shows_users_themselves_and_admins_everyone(
        self, admin: User, owner: User, agent: User, signed_in: SignedIn
    ) -> None:
        answers = [
            signed_in(owner).get(f"/users/{owner.pk}"),
            signed_in(agent).get(f"/users/{agent.pk}"),
            signed_in(admin).get(f"/users/{owner.pk}"),
        ]

        assert [answer.status_code for answer in answers] == [200] * 3
        assert answers[0].json() == answers[2].json()
        assert set(answers[0].json()) == {"id", "name", "email", "type", "isActive", "createdAt", "version"}


class TestOtherUsers:
    """Only admins learn which users exist: for others, existing and unknown ids get the same answer."""

    @pytest.mark.parametrize("role", ["owner", "agent"])
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("get", "/users/{}", None),
            ("put", "/users/{}", {"name": "Other Name", "email": "other@example.com"}),
            ("patch", "/users/{}", {"name": "Other Name"}),
            ("patch", "/users/{}", {}),
            ("delete", "/users/{}", None),
            ("post", "/users/{}/deactivate", None),
        ],
    )
    def test_are_refused_like_unknown_ids(
        self,
        request: pytest.FixtureRequest,
        outsider: User,
        signed_in: SignedIn,
        role: str,
        method: str,
        path: str,
        body: Any,
    ) -> None:
        api = signed_in(request.getfixturevalue(role))

        answers = [getattr(api, method)(path.format(pk), body) for pk in (outsider.pk, UNKNOWN_ID, 0, OVERFLOWING_ID)]

        refusals = [{**answer.json(), "requestId": ""} for answer in answers]
        assert [answer.status_code for answer in answers] == [403] * 4
        assert refusals == [refusals[0]] * 4
        assert User.objects.get(pk=outsider.pk).name == outsider.name

    @pytest.mark.parametrize("pk", [UNKNOWN_ID, 0, OVERFLOWING_ID])
    def test_who_do_not_exist_are_404_for_admins(self, admin: User, signed_in: SignedIn, pk: int) -> None:
        api = signed_in(admin)

        answers = [
            api.get(f"/users/{pk}"),
            api.put(f"/users/{pk}", {"name": "Other Name", "email": "other@example.com"}),
            api.patch(f"/users/{pk}", {}),
            api.delete(f"/users/{pk}"),
            api.post(f"/users/{pk}/deactivate"),
        ]

        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "user_not_found")] * 5

    def test_require_a_token(self, owner: User, anonymous: APIClient) -> None:
        answers = [
            anonymous.get(f"/users/{owner.pk}"),
            anonymous.put(f"/users/{owner.pk}", {}),
            anonymous.patch(f"/users/{owner.pk}", {}),
            anonymous.delete(f"/users/{owner.pk}"),
            anonymous.post(f"/users/{owner.pk}/deactivate"),
        ]

        assert [answer.status_code for answer in answers] == [401] * 5


class TestChange:
    @pytest.mark.parametrize("role", ["owner", "agent", "admin"])
    def test_lets_users_change_their_own_name_and_address(
        self, request: pytest.FixtureRequest, signed_in: SignedIn, role: str
    ) -> None:
        user = request.getfixturevalue(role)

        change = {"name": " New Name ", "email": "new@example.com", "currentPassword": PASSWORD}
        answer = signed_in(user).patch(f"/users/{user.pk}", change)

        assert answer.status_code == 200
        assert (answer.json()["name"], answer.json()["email"]) == ("New Name", "new@example.com")
        user.refresh_from_db()
        assert (user.name, user.email) == ("New Name", "new@example.com")

    @pytest.mark.parametrize("role", ["owner", "agent"])
    @pytest.mark.parametrize("change", [{"type": "admin"}, {"isActive": False}, {"name": "New Name", "type": "admin"}])
    def test_refuses_type_and_status_from_anyone_but_admins(
        self, request: pytest.FixtureRequest, signed_in: SignedIn, role: str, change: dict[str, Any]
    ) -> None:
        user = request.getfixturevalue(role)

        answer = signed_in(user).patch(f"/users/{user.pk}", change)

        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert User.objects.filter(pk=user.pk, name=user.name, type=user.type, is_active=True).exists()

    def test_accepts_an_unchanged_user(self, owner: User, signed_in: SignedIn) -> None:
        """A `PUT` may repeat the current values of fields that the user may not change."""
        api, path = signed_in(owner), f"/users/{owner.pk}"
        shown = api.get(path).json()

        answer = api.put(path, shown)

        assert (answer.status_code, answer.json()) == (200, shown)

    def test_lets_an_admin_change_all_fields(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        change = {"name": "New Name", "email": "new@example.com", "type": "agent", "isActive": False}

        answer = signed_in(admin).put(f"/users/{owner.pk}", change)

        assert answer.status_code == 200
        assert answer.json().items() >= change.items()

    def test_by_put_requires_name_and_address_and_keeps_omitted_fields(
        self, admin: User, agent: User, signed_in: SignedIn
    ) -> None:
        api, path = signed_in(admin), f"/users/{agent.pk}"

        replaced = api.put(path, {"name": "New Name", "email": "new@example.com"})
        incomplete = [api.put(path, {"name": "New Name"}), api.put(path, {"email": "new@example.com"})]

        assert (replaced.status_code, replaced.json()["type"]) == (200, "agent")
        assert [answer.status_code for answer in incomplete] == [400, 400]

    @pytest.mark.parametrize(
        ("field", "value"),
        [(field, value) for field, values in INVALID_VALUES.items() for value in values],
    )
    def test_refuses_invalid_values(
        self, admin: User, owner: User, signed_in: SignedIn, field: str, value: Any
    ) -> None:
        answer = signed_in(admin).patch(f"/users/{owner.pk}", {field: value})

        assert answer.status_code == 400
        assert {fault["field"] for fault in answer.json()["errors"]} == {field}

    @pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
    def test_changes_nothing_without_a_body(
        self, admin: User, owner: User, signed_in: SignedIn, content_type: str
    ) -> None:
        answer = signed_in(admin).generic("PATCH", f"/users/{owner.pk}", "", content_type)

        assert (answer.status_code, answer.json()["isActive"]) == (200, True)

    def test_ignores_passwords_and_superuser_status(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        signed_in(admin).patch(f"/users/{owner.pk}", {"password": "another, please", "is_superuser": True, "id": 7})

        assert User.objects.filter(pk=owner.pk, is_superuser=False, password=owner.password).exists()

    @pytest.mark.parametrize("by", ["admin", "owner"])
    def test_refuses_a_taken_address_ignoring_case(
        self, request: pytest.FixtureRequest, owner: User, outsider: User, signed_in: SignedIn, by: str
    ) -> None:
        api = signed_in(request.getfixturevalue(by))

        taken = api.patch(f"/users/{owner.pk}", {"email": outsider.email.upper(), "currentPassword": PASSWORD})
        own = api.patch(f"/users/{owner.pk}", {"email": owner.email.upper(), "currentPassword": PASSWORD})

        assert (taken.status_code, taken.json()["code"]) == (409, "email_taken")
        assert [fault["field"] for fault in taken.json()["errors"]] == ["email"]
        assert (own.status_code, own.json()["email"]) == (200, in_capitals(owner.email))

    @pytest.mark.parametrize("status", [Status.OPEN, Status.CLOSED])
    @pytest.mark.parametrize("type", ["agent", "admin"])
    def test_refuses_another_type_for_an_assigned_user(
        self,
        admin: User,
        owner: User,
        assignee: User,
        signed_in: SignedIn,
        status: str,
        type: str,  # noqa: A002
    ) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)
        Ticket.objects.filter(pk=ticket.pk).update(status=status)
        api, path = signed_in(admin), f"/users/{assignee.pk}"

        other, same = api.patch(path, {"type": type}), api.patch(path, {"type": "customer"})

        assert (other.status_code, other.json()["code"]) == (409, "holds_assignments")
        assert same.status_code == 200

    @pytest.mark.parametrize("change", [{"type": "customer"}, {"isActive": False}])
    def test_refuses_your_own_type_and_status(self, admin: User, signed_in: SignedIn, change: dict[str, Any]) -> None:
        """This guarantees that there is always an admin left."""
        answer = signed_in(admin).patch(f"/users/{admin.pk}", change)

        assert (answer.status_code, answer.json()["code"]) == (409, "own_account")
        assert User.objects.filter(pk=admin.pk, type=UserType.ADMIN, is_active=True).exists()

    @pytest.mark.parametrize("change", [{"email": "mine@example.com"}, {"type": "customer"}, {"isActive": False}])
    def test_refuses_superusers_unless_by_a_superuser(
        self, admin: User, superuser: User, signed_in: SignedIn, change: dict[str, Any]
    ) -> None:
        answer = signed_in(admin).patch(f"/users/{superuser.pk}", change)

        assert (answer.status_code, answer.json()["code"]) == (403, "superusers_only")

    def test_runs_nine_queries(
        self, admin: User, owner: User, signed_in: SignedIn, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        api = signed_in(admin)

        # The last one but COMMIT reads the new version.
        with django_assert_num_queries(9):
            api.patch(f"/users/{owner.pk}", {"name": "New Name"})


class TestDeactivate:
    @pytest.fixture
    def tickets(self, owner: User, assignee: User) -> dict[str, Ticket]:
        tickets = {status: make_ticket(owner) for status in Status.values}
        for ticket in tickets.values():
            assign(ticket, assignee)
        for status, ticket in tickets.items():
            Ticket.objects.filter(pk=ticket.pk).update(status=status)
            ticket.refresh_from_db()
        return tickets

    @pytest.mark.parametrize("by_patch", [False, True])
    def test_removes_the_user_from_tickets_that_are_not_closed(
        self, admin: User, assignee: User, signed_in: SignedIn, tickets: dict[str, Ticket], by_patch: bool
    ) -> None:
        api, path = signed_in(admin), f"/users/{assignee.pk}"

        answer = api.patch(path, {"isActive": False}) if by_patch else api.post(f"{path}/deactivate")

        assert (answer.status_code, answer.json()["isActive"]) == (200, False)
        assert list(assignee.assignments.values_list("ticket", flat=True)) == [tickets["closed"].pk]

    def test_raises_the_version_of_these_tickets(
        self, admin: User, assignee: User, signed_in: SignedIn, tickets: dict[str, Ticket]
    ) -> None:
        signed_in(admin).post(f"/users/{assignee.pk}/deactivate")

        raised_by = {
            status: Ticket.objects.get(pk=ticket.pk).version - ticket.version for status, ticket in tickets.items()
        }
        assert raised_by == {"open": 1, "in-progress": 1, "closed": 0}

    def test_revokes_tokens_at_once_and_for_good(
        self, admin: User, owner: User, signed_in: SignedIn, anonymous: APIClient
    ) -> None:
        api, refresh = signed_in(owner), tokens.issue(owner).refresh
        admin_api = signed_in(admin)

        def statuses() -> list[int]:
            return [
                api.get("/auth/me").status_code,
                anonymous.post("/auth/refresh", {"refresh": refresh}).status_code,
                anonymous.post("/auth/logout", {"refresh": refresh}).status_code,
            ]

        admin_api.post(f"/users/{owner.pk}/deactivate")
        while_deactivated = statuses()
        admin_api.patch(f"/users/{owner.pk}", {"isActive": True})

        assert while_deactivated == [401] * 3
        assert statuses() == [401] * 3
        assert login(owner.email).status_code == 200

    def test_revokes_tokens_for_good_when_done_in_psql(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        for is_active in (False, True):
            psql("UPDATE accounts_user SET is_active = %(is_active)s", is_active=is_active)

        assert api.get("/auth/me").status_code == 401

    def test_ends_admin_sessions_for_good(self, admin: User, agent: User, signed_in: SignedIn) -> None:
        browser = Client()
        browser.post("/admin/login/", {"username": agent.email, "password": PASSWORD})
        before = browser.get("/admin/").status_code

        for is_active in (False, True):
            signed_in(admin).patch(f"/users/{agent.pk}", {"isActive": is_active})

        assert (before, browser.get("/admin/").status_code) == (200, 302)

    def test_does_not_revoke_later_tokens(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        for is_active in (False, True):
            signed_in(admin).patch(f"/users/{owner.pk}", {"isActive": is_active})
        owner.refresh_from_db()
        api = signed_in(owner)

        signed_in(admin).patch(f"/users/{owner.pk}", {"isActive": True, "name": "New Name"})

        assert api.get("/auth/me").status_code == 200

    def test_is_not_followed_by_reassignment_on_reactivation(
        self, admin: User, assignee: User, signed_in: SignedIn, tickets: dict[str, Ticket]
    ) -> None:
        api = signed_in(admin)

        api.post(f"/users/{assignee.pk}/deactivate")
        api.patch(f"/users/{assignee.pk}", {"isActive": True})

        assert assignee.assignments.count() == 1

    def test_can_be_repeated(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        answers = [signed_in(admin).post(f"/users/{owner.pk}/deactivate") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]

    def test_refuses_your_own_account_and_so_the_last_admin(self, admin: User, signed_in: SignedIn) -> None:
        answer = signed_in(admin).post(f"/users/{admin.pk}/deactivate")

        assert (answer.status_code, answer.json()["code"]) == (409, "own_account")
        assert User.objects.get(pk=admin.pk).is_active

    def test_ends_the_powers_of_an_admin_at_once(self, admin: User, signed_in: SignedIn) -> None:
        other = make_user("Otis Other", type=UserType.ADMIN)
        others_api = signed_in(other)

        first = signed_in(admin).post(f"/users/{other.pk}/deactivate")
        too_late = others_api.post(f"/users/{admin.pk}/deactivate")

        assert (first.status_code, too_late.status_code) == (200, 401)

    def test_refuses_superusers_unless_by_a_superuser(self, admin: User, superuser: User, signed_in: SignedIn) -> None:
        assert signed_in(admin).post(f"/users/{superuser.pk}/deactivate").status_code == 403


class TestDelete:
    def test_deletes_the_assignments_too(
        self, admin: User, owner: User, assignee: User, signed_in: SignedIn, outsider: User
    ) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee, outsider)

        answer = signed_in(admin).delete(f"/users/{assignee.pk}")

        assert (answer.status_code, answer.content) == (204, b"")
        assert not User.objects.filter(pk=assignee.pk).exists()
        assert [user.pk for user in ticket.assignees.all()] == [outsider.pk]

    def test_refuses_users_with_bookings_or_events(
        self, admin: User, owner: User, outsider: User, signed_in: SignedIn
    ) -> None:
        organiser = make_user("Eva Events", type=UserType.ADMIN)
        event = make_event(organiser)
        events.cancel(booking_id=book(event, owner).pk, by=owner)

        answers = [signed_in(admin).delete(f"/users/{user.pk}") for user in (owner, organiser, outsider)]

        assert [answer.status_code for answer in answers] == [409, 409, 204]
        assert [answer.json()["code"] for answer in answers[:2]] == ["has_records"] * 2

    def test_refuses_users_who_created_tickets(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        make_ticket(owner)

        answer = signed_in(admin).delete(f"/users/{owner.pk}")

        assert (answer.status_code, answer.json()["code"]) == (409, "has_records")
        assert "deactivate" in answer.json()["message"]
        assert User.objects.filter(pk=owner.pk).exists()

    def test_refuses_your_own_account(self, admin: User, signed_in: SignedIn) -> None:
        answer = signed_in(admin).delete(f"/users/{admin.pk}")

        assert (answer.status_code, answer.json()["code"]) == (409, "own_account")

    def test_refuses_superusers_unless_by_a_superuser(self, admin: User, superuser: User, signed_in: SignedIn) -> None:
        assert signed_in(admin).delete(f"/users/{superuser.pk}").status_code == 403

    def test_is_404_the_second_time(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        answers = [signed_in(admin).delete(f"/users/{owner.pk}") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [204, 404]
