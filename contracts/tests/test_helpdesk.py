"""Document 004, word for word: its calls in its order, with its own bodies; then what CONTRACTS adds.

Only what the document has as a stand-in is replaced: ids, tokens, times. Where it shows fewer keys than are answered,
those that it shows are there, and hold what it says.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from django.conf import settings as configured
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import PASSWORD, make_user
from contracts import helpdesk
from kit.db import configuration
from kit.idempotency import views
from kit.idempotency.models import LIFETIME_OF_KEYS, IdempotencyKey
from kit.tests.races import at_once, during
from kit.web import throttling
from projects.models import Project
from projects.tests.psql import psql
from tickets import services
from tickets.models import Comment, Status, Ticket, TicketQuerySet
from tickets.tests.factories import assign, make_comment, make_ticket
from tickets.tests.test_races import hold

SignedIn = Callable[[User], APIClient]

# The document's bodies.
REGISTER = {"name": "Hackathon User", "email": "testuser@example.com", "password": "123456", "role": "user"}
LOGIN = {"email": "testuser@example.com", "password": "123456"}
TICKET = {"title": "Server down", "description": "Staging server not responding", "priority": "high"}
KEY = "abc123"
# Its two examples of errors.
DUPLICATE = {"error": {"code": "DUPLICATE_REQUEST"}}
CONFLICT = {"error": "Conflict - Ticket already updated (409)"}
UNREADABLE: dict[str, list[Any]] = {
    "status": ["breached", "in-progress", 1, []],
    "priority": ["urgent", 1, {}],
    "assignee": ["x", "", True, [], 1.5, 0, 2**63, "9" * 30],
    "version": ["x", 0, -1, True],
}
HOURS = {"high": 4, "medium": 24, "low": 48}


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient(raise_request_exception=False)


@pytest.fixture
def api(owner: User, signed_in: SignedIn) -> APIClient:
    """As the owner, a customer, calls it."""
    return signed_in(owner)


@pytest.fixture
def desk(agent: User, signed_in: SignedIn) -> APIClient:
    """As an agent calls it."""
    return signed_in(agent)


@pytest.fixture
def ticket(owner: User) -> Ticket:
    return make_ticket(owner, project=Project.objects.helpdesk())


def path_of(ticket: Ticket) -> str:
    return f"/api/tickets/{ticket.pk}"


def holds(answer: Any, shown: Any) -> bool:
    """Whether an answer has what the document shows, in dicts and lists as deep as it shows."""
    if isinstance(shown, dict):
        return isinstance(answer, dict) and all(key in answer and holds(answer[key], shown[key]) for key in shown)
    if isinstance(shown, list):
        return len(answer) == len(shown) and all(holds(*pair) for pair in zip(answer, shown, strict=True))
    return bool(answer == shown)


def assert_error(answer: Any, status: int, code: str, field: str | None = None) -> None:
    """The envelope, whole: `code`, `field` if one is at fault, and a sentence."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    error = orjson.loads(answer.content)["error"]
    assert (error["code"], error.get("field")) == (code, field)
    assert error.keys() == {"code", "message", *({"field"} if field else ())}


@pytest.mark.django_db
class TestInTheDocumentsOrder:
    def test_a_client_written_from_the_document_works(self) -> None:
        """One story through all its calls."""
        client = APIClient()

        # 1. Authentication
        answer = client.post("/api/auth/register", REGISTER)
        user = User.objects.get(email="testuser@example.com")
        assert answer.status_code == 201
        assert answer.json() == {
            "message": "User registered successfully",
            "user": {"_id": str(user.pk), "name": "Hackathon User", "email": "testuser@example.com"},
        }
        answer = client.post("/api/auth/login", LOGIN)
        assert answer.status_code == 200
        assert list(answer.json()) == ["token"]
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")

        # 2. Tickets
        answer = client.post("/api/tickets", TICKET, headers={"Idempotency-Key": KEY})
        created = answer.json()
        assert answer.status_code == 201
        assert holds(created, TICKET | {"status": "open", "version": 1})
        assert isinstance(created["_id"], str)
        assert datetime.fromisoformat(created["sla_due"]) - datetime.fromisoformat(created["created_at"]) == timedelta(
            hours=4
        )
        again = client.post("/api/tickets", TICKET, headers={"Idempotency-Key": KEY})
        assert (again.status_code, again.json()) == (409, DUPLICATE)

        shown = {key: created[key] for key in ("_id", "title", "status", "priority", "sla_due")}
        answer = client.get("/api/tickets?limit=20&offset=0")
        assert answer.status_code == 200
        assert list(answer.json()) == ["items", "next_offset"]
        assert holds(answer.json(), {"items": [shown], "next_offset": None})

        path = f"/api/tickets/{created['_id']}"
        answer = client.get(path)
        assert answer.status_code == 200
        assert holds(answer.json(), {"_id": created["_id"], **TICKET, "status": "open", "comments": []})

        answer = client.patch(path, {"status": "in_progress"}, headers={"If-Match": "1"})
        changed = {"_id": created["_id"], "status": "in_progress", "version": 2}
        assert answer.status_code == 200
        assert holds(answer.json(), {"message": "Ticket updated successfully", "ticket": changed})
        conflict = client.patch(path, {"status": "closed"}, headers={"If-Match": "1"})
        assert (conflict.status_code, conflict.json()) == (409, CONFLICT)

        # 3. Comments
        answer = client.post(f"{path}/comments", {"message": "We are working on this issue."})
        said = {"_id": created["_id"], "comments": [{"message": "We are working on this issue."}]}
        assert answer.status_code == 201
        assert list(answer.json()) == ["message", "ticket"]
        assert holds(answer.json(), {"message": "Comment added successfully", "ticket": said})
        assert holds(client.get(path).json(), said)

        # 4. and 5. SLA tracking, breached tickets
        assert client.get("/api/tickets?status=breached").json()["items"] == []
        Ticket.objects.update(sla_due_at=timezone.now() - timedelta(seconds=1))
        breached = client.get("/api/tickets?status=breached").json()["items"]
        assert [item["_id"] for item in breached] == [created["_id"]]


@pytest.mark.django_db
class TestRegister:
    def test_makes_a_customer_when_no_role_is_given(self, anonymous: APIClient) -> None:
        body = {key: value for key, value in REGISTER.items() if key != "role"}

        assert anonymous.post("/api/auth/register", body).status_code == 201
        assert User.objects.get().type == UserType.CUSTOMER

    @pytest.mark.parametrize(("role", "user_type"), [("agent", UserType.AGENT), ("admin", UserType.ADMIN)])
    def test_makes_staff_where_that_is_open(
        self, anonymous: APIClient, settings: Any, role: str, user_type: str
    ) -> None:
        settings.STAFF_SIGNUP = True

        answer = anonymous.post("/api/auth/register", REGISTER | {"role": role, "password": "open, sesame"})

        assert answer.status_code == 201
        assert User.objects.get().type == user_type

    @pytest.mark.parametrize("role", ["agent", "admin"])
    def test_makes_staff_for_admins_alone_where_it_is_not(
        self, anonymous: APIClient, admin: User, signed_in: SignedIn, role: str
    ) -> None:
        body = REGISTER | {"role": role, "password": "open, sesame"}

        assert_error(anonymous.post("/api/auth/register", body), 403, "FORBIDDEN")
        assert signed_in(admin).post("/api/auth/register", body).status_code == 201

    @pytest.mark.parametrize(
        ("role", "password", "is_taken"),
        [("user", "12345", False), ("user", "123456", True), ("agent", "123456", False), ("admin", "12345678", False)],
    )
    def test_asks_of_staff_what_the_product_asks(
        self, anonymous: APIClient, settings: Any, role: str, password: str, is_taken: bool
    ) -> None:
        settings.STAFF_SIGNUP = True

        answer = anonymous.post("/api/auth/register", REGISTER | {"role": role, "password": password})

        if is_taken:
            assert answer.status_code == 201
        else:
            assert_error(answer, 400, "INVALID_FIELD", "password")

    def test_leaves_the_products_own_rule_as_it_is(self, anonymous: APIClient) -> None:
        own = {"name": "Hackathon User", "email": "testuser@example.com", "password": "123456", "type": "customer"}

        assert anonymous.post("/users", own).status_code == 400

    def test_refuses_an_address_that_is_taken(self, anonymous: APIClient) -> None:
        make_user(email="TestUser@Example.com")

        assert_error(anonymous.post("/api/auth/register", REGISTER), 409, "INVALID_FIELD", "email")

    @pytest.mark.parametrize("field", ["name", "email", "password"])
    @pytest.mark.parametrize("absent", [None, ""])
    def test_names_what_is_not_there(self, anonymous: APIClient, field: str, absent: Any) -> None:
        without = {key: value for key, value in REGISTER.items() if key != field}

        for body in (without, without | {field: absent}):
            assert_error(anonymous.post("/api/auth/register", body), 400, "FIELD_REQUIRED", field)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("name", "Al"), ("name", "a\nb and c"), ("email", "nobody"), ("password", 123456), ("role", "root")],
    )
    def test_names_what_is_wrong(self, anonymous: APIClient, field: str, value: Any) -> None:
        answer = anonymous.post("/api/auth/register", REGISTER | {field: value})

        assert_error(answer, 400, "INVALID_FIELD", field)


@pytest.mark.django_db
class TestLogin:
    def test_refuses_a_wrong_password_and_an_unknown_address_alike(self, anonymous: APIClient, owner: User) -> None:
        for body in ({"email": owner.email, "password": "wrong"}, {"email": "no@example.com", "password": "wrong"}):
            assert_error(anonymous.post("/api/auth/login", body), 401, "INVALID_CREDENTIALS")

    def test_asks_for_both(self, anonymous: APIClient) -> None:
        assert_error(anonymous.post("/api/auth/login", {"password": "x"}), 400, "FIELD_REQUIRED", "email")
        assert_error(anonymous.post("/api/auth/login", {"email": "x"}), 400, "FIELD_REQUIRED", "password")

    def test_gives_a_token_that_works_in_the_products_own_api(self, anonymous: APIClient, owner: User) -> None:
        token = anonymous.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}).json()["token"]

        answer = anonymous.get("/auth/me", headers={"Authorization": f"Bearer {token}"})

        assert answer.json()["id"] == owner.pk

    def test_locks_out_who_guesses(self, anonymous: APIClient, owner: User) -> None:
        for _ in range(5):
            answer = anonymous.post("/api/auth/login", {"email": owner.email, "password": "wrong"})

        assert_error(answer, 429, "RATE_LIMIT")
        assert int(answer["Retry-After"]) > 0


@pytest.mark.django_db
class TestCreate:
    @pytest.mark.parametrize(("priority", "hours"), HOURS.items())
    def test_is_due_by_its_priority(self, api: APIClient, priority: str, hours: int) -> None:
        made = api.post("/api/tickets", {"title": "Server down", "priority": priority}).json()

        due = datetime.fromisoformat(made["sla_due"]) - datetime.fromisoformat(made["created_at"])
        assert due == timedelta(hours=hours)
        assert re.search(r"\.\d{3}Z$", made["sla_due"])

    def test_is_medium_and_of_the_help_desk(self, api: APIClient, owner: User) -> None:
        made = api.post("/api/tickets", {"title": "Server down"}).json()

        ticket = Ticket.objects.get()
        assert (made["priority"], made["description"], made["assignee"]) == ("medium", "", None)
        assert (ticket.project, ticket.created_by) == (Project.objects.helpdesk(), owner)

    @pytest.mark.parametrize("title", [None, "", "  "])
    def test_needs_a_title(self, api: APIClient, title: Any) -> None:
        for body in ({"title": title}, {"description": "x"}):
            assert_error(api.post("/api/tickets", body), 400, "FIELD_REQUIRED", "title")

    @pytest.mark.parametrize(
        ("field", "value"),
        [("title", 5), ("title", "a\nb"), ("title", "t" * 256), ("priority", "urgent"), ("description", ["x"])],
    )
    def test_names_what_is_wrong(self, api: APIClient, field: str, value: Any) -> None:
        assert_error(api.post("/api/tickets", TICKET | {field: value}), 400, "INVALID_FIELD", field)

    def test_costs_so_many_queries(self, api: APIClient, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(8):
            api.post("/api/tickets", TICKET)


@pytest.mark.django_db
class TestIdempotencyKey:
    @staticmethod
    def post(api: APIClient, key: str = KEY, **body: Any) -> Any:
        return api.post("/api/tickets", {**TICKET, **body}, headers={"Idempotency-Key": key})

    def test_is_good_once_whatever_the_body(self, api: APIClient) -> None:
        assert self.post(api).status_code == 201

        for body in ({}, {"title": "Other"}, {"title": ""}):
            answer = self.post(api, **body)
            assert (answer.status_code, answer.json()) == (409, DUPLICATE)
        assert Ticket.objects.count() == 1

    def test_is_good_once_for_each_user(self, api: APIClient, desk: APIClient) -> None:
        assert [self.post(each).status_code for each in (api, desk, api, desk)] == [201, 201, 409, 409]

    def test_is_not_used_up_by_a_request_that_failed(self, api: APIClient) -> None:
        assert self.post(api, title="").status_code == 400
        assert self.post(api, priority="urgent").status_code == 400
        assert self.post(api).status_code == 201

    def test_is_as_good_as_new_after_a_day(self, api: APIClient) -> None:
        self.post(api)
        IdempotencyKey.objects.update(created_at=timezone.now() - LIFETIME_OF_KEYS + timedelta(minutes=1))
        assert self.post(api).status_code == 409

        IdempotencyKey.objects.update(created_at=timezone.now() - LIFETIME_OF_KEYS)
        assert [self.post(api).status_code for _ in range(2)] == [201, 409]

    def test_is_another_one_than_in_the_products_own_api(self, api: APIClient) -> None:
        answer = api.post("/ticket", TICKET, headers={"Idempotency-Key": KEY})

        assert (answer.status_code, self.post(api).status_code) == (201, 201)

    @pytest.mark.parametrize("key", ["", "two words", "k" * 256])
    def test_is_refused_when_it_is_none(self, api: APIClient, key: str) -> None:
        assert_error(self.post(api, key), 400, "INVALID_FIELD", "Idempotency-Key")

    def test_may_be_left_out(self, api: APIClient) -> None:
        assert [api.post("/api/tickets", TICKET).status_code for _ in range(2)] == [201, 201]

    def test_gets_the_first_answer_again_for_a_comment(self, api: APIClient, ticket: Ticket) -> None:
        answers = [
            api.post(f"{path_of(ticket)}/comments", {"message": "Hm"}, headers={"Idempotency-Key": KEY})
            for _ in range(2)
        ]

        assert [(answer.status_code, answer.json()) for answer in answers] == [(201, answers[0].json())] * 2
        assert ticket.comments.count() == 1

    def test_gets_the_first_answer_again_for_a_sign_up(self, anonymous: APIClient) -> None:
        answers = [anonymous.post("/api/auth/register", REGISTER, headers={"Idempotency-Key": KEY}) for _ in range(2)]

        assert [(answer.status_code, answer.json()) for answer in answers] == [(201, answers[0].json())] * 2

    def test_is_refused_for_another_comment(self, api: APIClient, ticket: Ticket) -> None:
        first, second = (
            api.post(f"{path_of(ticket)}/comments", {"message": message}, headers={"Idempotency-Key": KEY})
            for message in ("Hm", "Well")
        )

        assert first.status_code == 201
        assert_error(second, 422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.django_db
class TestList:
    def test_goes_from_offset_to_offset_newest_first(self, api: APIClient, owner: User) -> None:
        made = [make_ticket(owner, created_at=timezone.now() - timedelta(hours=age)) for age in range(5)]

        pages = [api.get("/api/tickets", {"limit": 2, "offset": offset}).json() for offset in (0, 2, 4)]

        shown = [item["_id"] for page in pages for item in page["items"]]
        assert shown == [str(ticket.pk) for ticket in made]
        assert [page["next_offset"] for page in pages] == [2, 4, None]

    def test_knows_that_a_full_page_is_the_last(self, api: APIClient, owner: User) -> None:
        for _ in range(4):
            make_ticket(owner)

        pages = [api.get("/api/tickets", {"limit": 2, "offset": offset}).json() for offset in (0, 2, 4, 999_999)]

        assert [page["next_offset"] for page in pages] == [2, None, None, None]
        assert [len(page["items"]) for page in pages] == [2, 2, 0, 0]

    def test_holds_twenty_when_not_told(self, api: APIClient, owner: User) -> None:
        for _ in range(21):
            make_ticket(owner)

        page = api.get("/api/tickets").json()

        assert (len(page["items"]), page["next_offset"]) == (20, 20)

    def test_shows_users_their_own_and_staff_all(
        self, api: APIClient, desk: APIClient, owner: User, outsider: User, ticket: Ticket
    ) -> None:
        others = make_ticket(outsider)
        assign(make_ticket(outsider), owner)

        assert [item["_id"] for item in api.get("/api/tickets").json()["items"]] == [str(ticket.pk)]
        assert str(others.pk) in [item["_id"] for item in desk.get("/api/tickets").json()["items"]]
        assert len(desk.get("/api/tickets").json()["items"]) == 3

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
    def test_is_narrowed_by_status(self, api: APIClient, owner: User, status: str, found: list[str]) -> None:
        long_ago = timezone.now() - timedelta(days=3)
        for each in (Status.CLOSED, Status.IN_PROGRESS, Status.OPEN):
            make_ticket(owner, status=each)
        make_ticket(owner, status=Status.OPEN, created_at=long_ago)
        make_ticket(owner, status=Status.CLOSED, created_at=long_ago)

        items = api.get("/api/tickets", {"status": status}).json()["items"]

        assert sorted(item["status"] for item in items) == sorted(found)

    def test_is_narrowed_by_words(self, api: APIClient, owner: User) -> None:
        make_ticket(owner, title="Cannot login")
        make_ticket(owner, title="Server down", description="Login fails as well")
        make_ticket(owner, title="Server down")

        titles = {
            q: len(api.get("/api/tickets", {"q": q}).json()["items"]) for q in ("login", "down log", "nothing", "%", "")
        }

        assert titles == {"login": 2, "down log": 1, "nothing": 0, "%": 0, "": 3}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *(("limit", value) for value in ("0", "101", "-1", "x", "1e9", "9" * 30)),
            *(("offset", value) for value in ("-1", "x", "9" * 30)),
            *(("status", value) for value in ("new", "in-progress", "BREACHED")),
            ("q", "q" * 256),
        ],
    )
    def test_refuses_what_it_cannot_read(self, api: APIClient, field: str, value: str) -> None:
        assert_error(api.get("/api/tickets", {field: value}), 400, "INVALID_FIELD", field)

    @pytest.mark.parametrize("role", ["owner", "agent"])
    @pytest.mark.parametrize("offset", [0, 3, 2_500])
    def test_is_the_same_by_whatever_way_it_is_found(
        self, request: pytest.FixtureRequest, owner: User, outsider: User, signed_in: SignedIn, role: str, offset: int
    ) -> None:
        """`queries.tickets` looks at some thousands in order, before it begins at the other end."""
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
        api = signed_in(request.getfixturevalue(role))
        expected = Ticket.objects.filter(title="Fix it").order_by("-created_at", "-id")
        if role == "owner":
            expected = expected.filter(created_by=owner)

        items = api.get(f"/api/tickets?q=fix&offset={offset}&limit=10").json()["items"]

        shown = expected.values_list("pk", flat=True)[offset : offset + 10]
        assert [int(item["_id"]) for item in items] == list(shown)

    @pytest.mark.parametrize(("role", "queries"), [("owner", 4), ("agent", 3)])
    @pytest.mark.parametrize("number", [5, 19])
    def test_costs_the_same_for_any_number(
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


@pytest.mark.django_db
class TestRead:
    def test_shows_comments_oldest_first(self, api: APIClient, ticket: Ticket, owner: User, agent: User) -> None:
        for number, by in enumerate((owner, agent, owner)):
            make_comment(ticket, by, message=f"No {number}")

        shown = api.get(path_of(ticket)).json()["comments"]

        assert [comment["message"] for comment in shown] == ["No 0", "No 1", "No 2"]
        assert shown[1]["author"] == {"_id": str(agent.pk), "name": "Agnes Agent"}

    def test_shows_the_newest_of_too_many(
        self, api: APIClient, ticket: Ticket, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(helpdesk, "MOST_COMMENTS", 2)
        for number in range(3):
            make_comment(ticket, owner, message=f"No {number}")

        assert [each["message"] for each in api.get(path_of(ticket)).json()["comments"]] == ["No 1", "No 2"]

    def test_shows_internal_comments_to_staff_alone(
        self, api: APIClient, desk: APIClient, ticket: Ticket, agent: User
    ) -> None:
        make_comment(ticket, agent, is_internal=True)

        assert api.get(path_of(ticket)).json()["comments"] == []
        assert [each["internal"] for each in desk.get(path_of(ticket)).json()["comments"]] == [True]
        said = api.post(f"{path_of(ticket)}/comments", {"message": "Hm"}).json()["ticket"]["comments"]
        assert [each["message"] for each in said] == ["Hm"]

    def test_names_who_is_at_work(self, api: APIClient, ticket: Ticket, agent: User) -> None:
        services.assign(ticket_id=ticket.pk, user_id=agent.pk, by=agent)

        assert api.get(path_of(ticket)).json()["assignee"] == str(agent.pk)

    def test_lets_an_assignee_see_it(self, ticket: Ticket, assignee: User, signed_in: SignedIn) -> None:
        assign(ticket, assignee)

        assert signed_in(assignee).get(path_of(ticket)).status_code == 200

    def test_costs_the_same_for_any_number_of_comments(
        self, api: APIClient, ticket: Ticket, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(5):
            make_comment(ticket, owner)

        with django_assert_num_queries(4):
            assert len(api.get(path_of(ticket)).json()["comments"]) == 5


@pytest.mark.django_db
class TestWhatIsNotYours:
    """Also a ticket of "General", which everybody may see in the product's own API."""

    @pytest.fixture(params=["HelpDesk", "General"])
    def others(self, request: pytest.FixtureRequest, owner: User) -> Ticket:
        return make_ticket(owner, project=Project.objects.get(name=request.param))

    def test_is_not_there(self, others: Ticket, outsider: User, signed_in: SignedIn) -> None:
        client = signed_in(outsider)

        for path in (path_of(others), "/api/tickets/0", f"/api/tickets/{2**63}", f"/api/tickets/{10**30}"):
            assert_error(client.get(path), 404, "NOT_FOUND")
            assert_error(client.patch(path, {"status": "closed"}), 404, "NOT_FOUND")
            assert_error(client.patch(path, {"assignee": None}), 404, "NOT_FOUND")
            assert_error(client.patch(path, {"status": "closed", "version": 9}), 404, "NOT_FOUND")
            assert_error(client.post(f"{path}/comments", {"message": "Hm"}), 404, "NOT_FOUND")
        assert not Comment.objects.exists()


@pytest.mark.django_db
class TestChange:
    @pytest.mark.parametrize(
        ("read", "written"),
        [("open", "open"), ("in_progress", "in_progress"), ("closed", "closed"), ("resolved", "closed")],
    )
    def test_sets_the_status(self, api: APIClient, ticket: Ticket, read: str, written: str) -> None:
        answer = api.patch(path_of(ticket), {"status": read})

        assert (answer.status_code, answer.json()["ticket"]["status"]) == (200, written)

    @pytest.mark.parametrize(("priority", "hours"), HOURS.items())
    def test_of_the_priority_moves_the_due_time_from_creation(
        self, api: APIClient, owner: User, priority: str, hours: int
    ) -> None:
        ticket = make_ticket(owner, created_at=timezone.now() - timedelta(days=1))

        changed = api.patch(path_of(ticket), {"priority": priority}).json()["ticket"]

        due = datetime.fromisoformat(changed["sla_due"]) - datetime.fromisoformat(changed["created_at"])
        assert due == timedelta(hours=hours)

    @pytest.mark.parametrize(
        ("field", "value"),
        [(field, value) for field, values in UNREADABLE.items() for value in values],
    )
    def test_names_what_is_wrong(self, desk: APIClient, ticket: Ticket, field: str, value: Any) -> None:
        assert_error(desk.patch(path_of(ticket), {field: value}), 400, "INVALID_FIELD", field)

    def test_is_in_the_history_with_who_made_it(self, api: APIClient, ticket: Ticket, owner: User) -> None:
        api.patch(path_of(ticket), {"status": "resolved"})

        newest = api.get(f"/tickets/{ticket.pk}/history").json()["items"][0]
        assert newest["by"] == {"id": owner.pk, "name": "Olga Owner"}
        assert newest["changes"] == [{"field": "status", "from": "open", "to": "closed"}]

    def test_without_anything_changes_nothing(self, api: APIClient, ticket: Ticket) -> None:
        answer = api.patch(path_of(ticket), {"title": "Ignored"})

        assert (answer.status_code, answer.json()["ticket"]["version"]) == (200, 1)
        assert answer.json()["ticket"]["title"] == ticket.title

    @pytest.mark.parametrize(("fields", "queries"), [(["status"], 9), (["status", "priority", "assignee"], 23)])
    def test_costs_so_many_queries(
        self,
        desk: APIClient,
        ticket: Ticket,
        outsider: User,
        fields: list[str],
        queries: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        changes = {"status": "closed", "priority": "high", "assignee": outsider.pk}

        with django_assert_num_queries(queries):
            desk.patch(path_of(ticket), {name: changes[name] for name in fields})


@pytest.mark.django_db
class TestAssignee:
    def test_replaces_whoever_was_at_work(
        self, desk: APIClient, ticket: Ticket, assignee: User, outsider: User, agent: User
    ) -> None:
        assign(ticket, assignee, outsider)

        for written in (agent.pk, str(assignee.pk)):
            answer = desk.patch(path_of(ticket), {"assignee": written})
            assert answer.status_code == 200
            assert [str(user.pk) for user in ticket.assignees.all()] == [str(written)]
            assert answer.json()["ticket"]["assignee"] == str(written)

    def test_is_nobody_after_null(self, desk: APIClient, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)

        answer = desk.patch(path_of(ticket), {"assignee": None})

        assert (answer.status_code, answer.json()["ticket"]["assignee"]) == (200, None)
        assert not ticket.assignees.exists()

    def test_is_set_by_staff_alone(self, api: APIClient, ticket: Ticket, assignee: User) -> None:
        for value in (assignee.pk, None):
            assert_error(api.patch(path_of(ticket), {"assignee": value}), 403, "FORBIDDEN")

    def test_is_no_admin(self, desk: APIClient, ticket: Ticket, admin: User) -> None:
        assert_error(desk.patch(path_of(ticket), {"assignee": admin.pk}), 400, "INVALID_FIELD", "assignee")

    def test_is_not_put_to_work_on_a_closed_ticket(self, desk: APIClient, owner: User, assignee: User) -> None:
        closed = make_ticket(owner, status=Status.CLOSED)

        answer = desk.patch(path_of(closed), {"assignee": assignee.pk})

        assert_error(answer, 409, "INVALID_FIELD", "assignee")

    def test_comes_with_the_rest_or_not_at_all(
        self, desk: APIClient, ticket: Ticket, assignee: User, admin: User
    ) -> None:
        assign(ticket, assignee)

        answer = desk.patch(path_of(ticket), {"status": "closed", "priority": "low", "assignee": admin.pk})

        ticket.refresh_from_db()
        assert answer.status_code == 400
        assert (ticket.status, ticket.priority, ticket.version) == ("open", "medium", 2)
        assert list(ticket.assignees.all()) == [assignee]

    def test_comes_with_closing(self, desk: APIClient, ticket: Ticket, assignee: User) -> None:
        answer = desk.patch(path_of(ticket), {"status": "closed", "assignee": assignee.pk, "version": 1})

        assert answer.status_code == 200
        assert holds(answer.json()["ticket"], {"status": "closed", "assignee": str(assignee.pk)})


@pytest.mark.django_db
class TestVersion:
    @pytest.mark.parametrize("known", ["1", '"1"', 'W/"1"', "W/1", '"1-5f0c9a1e2b7d4836"', "*"])
    def test_in_if_match_lets_one_change_through(self, api: APIClient, ticket: Ticket, known: str) -> None:
        answer = api.patch(path_of(ticket), {"status": "closed"}, headers={"If-Match": known})

        assert (answer.status_code, answer.json()["ticket"]["version"]) == (200, 2)

    @pytest.mark.parametrize("known", ["1", '"1"', 'W/"1"', "3", "garbage", ""])
    def test_in_if_match_that_is_stale_is_the_documents_conflict(
        self, api: APIClient, ticket: Ticket, known: str
    ) -> None:
        api.patch(path_of(ticket), {"priority": "low"})

        answer = api.patch(path_of(ticket), {"status": "closed"}, headers={"If-Match": known})

        assert (answer.status_code, answer.json()) == (409, CONFLICT)
        assert Ticket.objects.get().status == "open"

    @pytest.mark.parametrize(("version", "status"), [(1, 409), (2, 200), ("2", 200), (3, 409)])
    def test_in_the_body_does_the_same(self, api: APIClient, ticket: Ticket, version: Any, status: int) -> None:
        api.patch(path_of(ticket), {"priority": "low"})

        answer = api.patch(path_of(ticket), {"status": "closed", "version": version})

        assert answer.status_code == status
        assert status == 200 or answer.json() == CONFLICT

    def test_in_if_match_decides(self, api: APIClient, ticket: Ticket) -> None:
        stale_header = api.patch(path_of(ticket), {"status": "closed", "version": 1}, headers={"If-Match": "7"})
        stale_body = api.patch(path_of(ticket), {"status": "closed", "version": 7}, headers={"If-Match": "1"})

        assert (stale_header.status_code, stale_body.status_code) == (409, 200)

    def test_is_looked_at_also_when_only_the_assignee_changes(
        self, desk: APIClient, ticket: Ticket, assignee: User
    ) -> None:
        answer = desk.patch(path_of(ticket), {"assignee": assignee.pk, "version": 7})

        assert (answer.status_code, answer.json()) == (409, CONFLICT)
        assert not ticket.assignees.exists()

    def test_stays_when_somebody_comments(self, api: APIClient, ticket: Ticket) -> None:
        api.post(f"{path_of(ticket)}/comments", {"message": "Hm"})

        assert api.get(path_of(ticket)).json()["version"] == 1


@pytest.mark.django_db
class TestComment:
    @pytest.mark.parametrize("message", [None, "", "  "])
    def test_needs_a_message(self, api: APIClient, ticket: Ticket, message: Any) -> None:
        for body in ({"message": message}, {}):
            assert_error(api.post(f"{path_of(ticket)}/comments", body), 400, "FIELD_REQUIRED", "message")

    @pytest.mark.parametrize("message", [5, ["x"], "m" * 20_001, "a\x00b"])
    def test_names_what_is_wrong(self, api: APIClient, ticket: Ticket, message: Any) -> None:
        answer = api.post(f"{path_of(ticket)}/comments", {"message": message})

        assert_error(answer, 400, "INVALID_FIELD", "message")

    def test_is_internal_of_staff_alone(self, api: APIClient, desk: APIClient, ticket: Ticket) -> None:
        body = {"message": "Hm", "internal": True}

        assert_error(api.post(f"{path_of(ticket)}/comments", body), 403, "FORBIDDEN")
        assert desk.post(f"{path_of(ticket)}/comments", body).json()["ticket"]["comments"][0]["internal"] is True

    def test_costs_so_many_queries(
        self, api: APIClient, ticket: Ticket, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        # The token's owner, whether it concerns them, the transaction's two ends, the ticket, the comment, all of them.
        with django_assert_num_queries(7):
            api.post(f"{path_of(ticket)}/comments", {"message": "Hm"})


@pytest.mark.django_db
class TestHealth:
    def test_is_for_anybody(self, anonymous: APIClient) -> None:
        answer = anonymous.get("/api/health")

        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
class TestErrors:
    """One shape for all, whatever goes wrong under /api."""

    @pytest.mark.parametrize(
        "path", ["/api", "/api/", "/api/nothing", "/api/tickets/", "/api/tickets/abc", "/api/auth/me", "/api//tickets"]
    )
    @pytest.mark.parametrize("method", ["get", "post", "delete"])
    def test_of_unknown_paths(self, anonymous: APIClient, path: str, method: str) -> None:
        assert_error(getattr(anonymous, method)(path), 404, "NOT_FOUND")

    @pytest.mark.parametrize(
        ("method", "path", "allow"),
        [
            ("get", "/api/auth/login", "POST, OPTIONS"),
            ("put", "/api/auth/register", "POST, OPTIONS"),
            ("delete", "/api/tickets", "GET, POST, HEAD, OPTIONS"),
            ("delete", "/api/tickets/1", "GET, PATCH, HEAD, OPTIONS"),
            ("put", "/api/tickets/1", "GET, PATCH, HEAD, OPTIONS"),
            ("get", "/api/tickets/1/comments", "POST, OPTIONS"),
            ("post", "/api/health", "GET, HEAD, OPTIONS"),
        ],
    )
    def test_of_wrong_methods(self, api: APIClient, method: str, path: str, allow: str) -> None:
        answer = getattr(api, method)(path)

        assert_error(answer, 405, "METHOD_NOT_ALLOWED")
        assert answer["Allow"] == allow

    @pytest.mark.parametrize(
        ("path", "allow"),
        [
            ("/api/tickets", "GET, POST, HEAD, OPTIONS"),
            ("/api/tickets/1", "GET, PATCH, HEAD, OPTIONS"),
            ("/api/tickets/1/comments", "POST, OPTIONS"),
        ],
    )
    def test_of_wrong_methods_to_everybody(self, anonymous: APIClient, path: str, allow: str) -> None:
        answer = anonymous.put(path)

        assert_error(answer, 405, "METHOD_NOT_ALLOWED")
        assert answer["Allow"] == allow

    @pytest.mark.parametrize("path", ["/api/auth/register", "/api/auth/login", "/api/tickets"])
    @pytest.mark.parametrize("body", ["{", "[]", '"x"', "1", '{"title": NaN}', b"\xff", '{"title": "\\ud800"}'])
    def test_of_what_is_no_json_object(self, api: APIClient, path: str, body: Any) -> None:
        assert_error(api.generic("POST", path, body, "application/json"), 400, "INVALID_JSON")

    def test_of_another_content_type(self, api: APIClient) -> None:
        assert_error(api.generic("POST", "/api/tickets", "title=x", "text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE")

    def test_of_a_body_that_is_too_large(self, api: APIClient) -> None:
        body = orjson.dumps({"title": "x" * 1024 * 1024}).decode()

        assert_error(api.generic("POST", "/api/tickets", body, "application/json"), 413, "REQUEST_TOO_LARGE")

    def test_of_a_host_that_is_not_served(self, api: APIClient) -> None:
        assert_error(api.get("/api/tickets", headers={"Host": "elsewhere.example.com"}), 400, "UNKNOWN_HOST")

    @pytest.mark.parametrize(
        ("method", "path"),
        [("get", "/api/tickets"), ("post", "/api/tickets"), ("get", "/api/tickets/1"), ("patch", "/api/tickets/1")],
    )
    def test_of_who_is_not_signed_in(self, anonymous: APIClient, method: str, path: str) -> None:
        answer = getattr(anonymous, method)(path)
        bad = getattr(anonymous, method)(path, headers={"Authorization": "Bearer made.up.token"})

        assert_error(answer, 401, "UNAUTHORIZED")
        assert_error(bad, 401, "INVALID_TOKEN")
        assert answer["WWW-Authenticate"] == bad["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("path", ["/api/tickets", "/api/auth/login"])
    def test_of_haste(self, api: APIClient, settings: Any, path: str) -> None:
        settings.RATE_LIMITS, settings.RATE_LIMIT, settings.RATE_LIMIT_SIGN_IN = True, "2/minute", "2/minute"
        throttling.counter.cache_clear()

        answers = [api.post(path, {}) for _ in range(3)]

        throttling.counter.cache_clear()
        assert [answer.status_code for answer in answers[:2]] == [400, 400]
        assert_error(answers[2], 429, "RATE_LIMIT")
        assert int(answers[2]["Retry-After"]) > 0

    def test_of_our_own_faults(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(**_: Any) -> None:
            raise RuntimeError("the combination is 1-2-3-4-5")

        monkeypatch.setattr(services, "create", crash)
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(owner).access}")

        answer = client.post("/api/tickets", TICKET)

        assert_error(answer, 500, "UNEXPECTED")
        assert b"1-2-3-4-5" not in answer.content


class TestOtherContracts:
    def test_have_their_own_prefix(self, anonymous: APIClient) -> None:
        """/api/v1 is document 003's."""
        for path in ("/api/v1", "/api/v1/event", "/api/v1/nothing"):
            assert "error" not in anonymous.get(path).json() or anonymous.get(path).json()["error"] is True

    def test_are_not_confused_with_this_one(self, anonymous: APIClient) -> None:
        assert_error(anonymous.get("/api/v10"), 404, "NOT_FOUND")


# What another process does: the same call, as the same user, over its own connection; then it ends.
OTHER_PROCESS = """
import sys, django
django.setup()
from rest_framework.test import APIClient
api = APIClient(SERVER_NAME="localhost")
api.credentials(HTTP_AUTHORIZATION="Bearer " + sys.argv[1])
sys.stdin.readline()
for _ in range(5):
    answer = api.post("/api/tickets", {"title": "Server down"}, headers={"Idempotency-Key": sys.argv[2]})
    print(answer.status_code, answer.content.decode(), flush=True)
"""


def start_process(user: User) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, tokens.issue(user).access, KEY],
        env=os.environ
        | {
            "DATABASE_URL": configuration.connection_url(connection.settings_dict),
            "DJANGO_SETTINGS_MODULE": "ticketing.settings",
        },
        cwd=configured.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestTwentyAtOnce:
    def answers(self, owner: User, signed_in: SignedIn) -> Counter[int]:
        clients = [signed_in(owner) for _ in range(20)]

        def post(client: APIClient) -> Any:
            return client.post("/api/tickets", TICKET, headers={"Idempotency-Key": KEY})

        answers = at_once(*(lambda client=client: post(client) for client in clients))
        assert all(answer.json() == DUPLICATE for answer in answers if answer.status_code == 409)
        return Counter(answer.status_code for answer in answers)

    def test_under_one_key_make_one_ticket(self, owner: User, signed_in: SignedIn) -> None:
        assert self.answers(owner, signed_in) == {201: 1, 409: 19}
        assert Ticket.objects.count() == 1

    def test_make_many_without_the_key(self, owner: User, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(views, "claim", lambda *_, **__: None)
        monkeypatch.setattr(views, "keep", lambda *_, **__: None)

        assert self.answers(owner, signed_in) == {201: 20}
        assert Ticket.objects.count() == 20

    def test_in_two_processes_make_one_and_the_key_outlives_both(self, owner: User, signed_in: SignedIn) -> None:
        processes = [start_process(owner) for _ in range(2)]

        for process in processes:
            assert process.stdin
            process.stdin.write("now\n")
            process.stdin.flush()
        lines = [line for process in processes for line in process.communicate(timeout=60)[0].splitlines()]

        assert [process.returncode for process in processes] == [0, 0]
        assert Counter(line.split()[0] for line in lines) == {"201": 1, "409": 9}
        # Those are gone; what holds is a row.
        assert psql("SELECT status FROM idempotency_idempotencykey") == [(201,)]
        answer = signed_in(owner).post("/api/tickets", TICKET, headers={"Idempotency-Key": KEY})
        assert (answer.status_code, answer.json()) == (409, DUPLICATE)
        assert Ticket.objects.count() == 1


@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestTwentyChangeOneVersion:
    @pytest.fixture
    def without_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The services as they would be if nobody had thought of a lock."""
        monkeypatch.setattr(TicketQuerySet, "locked", lambda tickets: tickets)

    def answers(self, ticket: Ticket, signed_in: SignedIn) -> Counter[int]:
        """Half of them name the version in the body, half in the header."""
        clients = [signed_in(ticket.created_by) for _ in range(20)]

        def patch(client: APIClient, number: int) -> Any:
            change: dict[str, Any] = {"priority": "low" if number < 10 else "high"}
            if number % 2:
                return client.patch(path_of(ticket), change | {"version": 1})
            return client.patch(path_of(ticket), change, headers={"If-Match": '"1"'})

        calls = (lambda client=client, number=number: patch(client, number) for number, client in enumerate(clients))
        answers = during(hold(ticket), *calls)
        assert all(answer.json() == CONFLICT for answer in answers if answer.status_code == 409)
        return Counter(answer.status_code for answer in answers)

    def test_lets_one_through(self, ticket: Ticket, signed_in: SignedIn) -> None:
        assert self.answers(ticket, signed_in) == {200: 1, 409: 19}

        ticket.refresh_from_db()
        assert ticket.version == 2

    @pytest.mark.usefixtures("without_lock")
    def test_lets_all_through_without_the_lock(self, ticket: Ticket, signed_in: SignedIn) -> None:
        assert self.answers(ticket, signed_in) == {200: 20}

    def test_is_told_to_try_again_when_the_lock_is_not_had(
        self, ticket: Ticket, agent: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(agent)

        with transaction.atomic():
            hold(ticket)()
            (answer,) = at_once(lambda: client.patch(path_of(ticket), {"status": "closed"}))

        assert_error(answer, 503, "BUSY")
        assert answer["Retry-After"] == "1"
