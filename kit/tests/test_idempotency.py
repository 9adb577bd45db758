"""`Idempotency-Key`: a retried request is executed once."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.conf import settings as project_settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.db import configuration
from kit.idempotency import tasks, views
from kit.idempotency.keys import Key
from kit.idempotency.models import MAX_BYTES, IdempotencyKey
from kit.idempotency.views import REPLAYED
from kit.openapi.components import expanded
from kit.openapi.views import document
from kit.tests.races import at_once
from projects.models import Project
from projects.tests.psql import psql
from tickets import services
from tickets.models import Ticket

SignedIn = Callable[[User], APIClient]

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
TICKET = {"title": "Fix the database", "price": 12.5}
NEWCOMER = {"name": "Nora New", "email": "nora@example.com", "type": "customer", "password": "open, sesame"}
# The paths that create something, with a body for each.
CREATING: dict[str, dict[str, Any]] = {
    "/users": NEWCOMER,
    "/projects": {"name": "Website"},
    "/ticket": TICKET,
    "/tickets": TICKET | {"status": "open"},
    "/events": {"name": "Jazz in the park", "startsAt": "2099-08-01T18:00:00Z", "capacity": 12, "price": 25},
}
SECRETS = {"password", "token", "refresh", "code", "uid", "manageToken"}
NOT_STORED = {
    # Derived for each response: see events/tests/test_api.py.
    "POST /events/{eventId}/bookings": {"manageToken"},
    # The code of an error. Only items that succeed are stored.
    "POST /tickets/batch": {"code"},
}


def send(api: APIClient, body: dict[str, Any], path: str = "/ticket", key: str = KEY) -> Any:
    return api.post(path, body, headers={"Idempotency-Key": key})


def body_for(path: str) -> dict[str, Any]:
    body = dict(CREATING[path])
    return body | {"project": Project.objects.general().pk} if path == "/tickets" else body


def view_headers(answer: Any) -> dict[str, str]:
    """Return the headers that the view set, without the request id and the replay marker."""
    return {name: value for name, value in answer.headers.items() if name not in ("X-Request-ID", REPLAYED)}


@pytest.mark.django_db
class TestKey:
    @pytest.mark.parametrize("path", CREATING)
    def test_returns_the_first_response_again(self, admin: User, signed_in: SignedIn, path: str) -> None:
        api, body = signed_in(admin), body_for(path)

        first, second = send(api, body, path), send(api, body, path)

        assert (first.status_code, REPLAYED in first) == (201, False)
        assert (second.status_code, second[REPLAYED]) == (201, "true")
        assert second.content == first.content
        assert view_headers(second) == view_headers(first)

    def test_does_the_work_once(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        for _ in range(3):
            send(api, TICKET)

        assert Ticket.objects.count() == 1

    def test_returns_the_first_etag_again(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        first, second = send(api, TICKET), send(api, TICKET)

        assert first["ETag"] == second["ETag"]

    def test_is_optional(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        for _ in range(2):
            api.post("/ticket", TICKET)

        assert (Ticket.objects.count(), IdempotencyKey.objects.count()) == (2, 0)

    def test_returns_the_original_state_after_a_change(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)
        first = send(api, TICKET)
        services.update(ticket_id=first.json()["id"], by=owner, at=timezone.now(), title="Another")

        assert send(api, TICKET).json() == first.json()

    def test_compares_bodies_by_value(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        answers = [
            api.generic("POST", "/ticket", text, "application/json", headers={"Idempotency-Key": KEY})
            for text in ('{"title": "A", "venue": "B"}', '{"venue":"B","title":"A"}')
        ]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert Ticket.objects.count() == 1

    @pytest.mark.parametrize("other", [TICKET | {"title": "Another"}, TICKET | {"unknown": 1}, {"title": ""}])
    def test_is_refused_with_a_different_body(self, owner: User, signed_in: SignedIn, other: dict[str, Any]) -> None:
        api = signed_in(owner)
        send(api, TICKET)

        answer = send(api, other)

        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert send(api, TICKET).status_code == 201
        assert Ticket.objects.count() == 1

    def test_is_separate_per_user_and_path(self, owner: User, outsider: User, signed_in: SignedIn) -> None:
        tracker = TICKET | {"status": "open", "project": Project.objects.general().pk}

        answers = [
            send(signed_in(owner), tracker),
            send(signed_in(outsider), tracker),
            send(signed_in(owner), tracker, "/tickets"),
            send(signed_in(owner), tracker, key=KEY.upper()),
        ]

        assert [answer.status_code for answer in answers] == [201] * 4
        assert len({answer.json()["id"] for answer in answers}) == 4

    def test_survives_a_new_sign_in(self, owner: User, signed_in: SignedIn) -> None:
        first = send(signed_in(owner), TICKET)

        assert send(signed_in(owner), TICKET).json() == first.json()

    def test_of_a_signed_out_client_is_separate_per_body(self, anonymous: APIClient) -> None:
        first = send(anonymous, NEWCOMER, "/users")

        again = send(anonymous, NEWCOMER, "/users")
        other = send(anonymous, NEWCOMER | {"email": "nina@example.com"}, "/users")

        assert (first.status_code, again.status_code, other.status_code) == (201, 201, 201)
        assert again.json() == first.json() != other.json()

    def test_is_not_used_up_by_a_refusal(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)
        at = timezone.now()

        refusals = [send(api, {"title": ""}), send(api, TICKET | {"dueDate": at.isoformat()}), send(api, {"title": 1})]
        answer = send(api, TICKET)

        assert [refusal.status_code for refusal in refusals] == [400] * 3
        assert (answer.status_code, REPLAYED in answer) == (201, False)

    def test_is_rolled_back_with_the_work(
        self, owner: User, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api = signed_in(owner)

        def crash(*_: Any, **__: Any) -> None:
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(views, "keep", crash)
            crashed = send(api, TICKET)

        assert crashed.status_code == 500
        assert (Ticket.objects.count(), IdempotencyKey.objects.count()) == (0, 0)
        assert send(api, TICKET).status_code == 201

    @pytest.mark.parametrize("key", ["", " ", "two words", "tab\there", "é", "k" * 256, "\x7f"])
    def test_must_be_valid(self, owner: User, signed_in: SignedIn, key: str) -> None:
        answer = send(signed_in(owner), TICKET, key=key)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
        assert not Ticket.objects.exists()

    @pytest.mark.parametrize("key", ["k", "k" * 255, '"quoted"', "!~"])
    def test_accepts_any_visible_ascii(self, owner: User, signed_in: SignedIn, key: str) -> None:
        assert send(signed_in(owner), TICKET, key=key).status_code == 201

    def test_is_checked_after_the_token(self, owner: User, signed_in: SignedIn, anonymous: APIClient) -> None:
        api = signed_in(owner)
        send(api, TICKET)
        User.objects.filter(pk=owner.pk).update(is_active=False)

        assert [send(api, TICKET).status_code, send(anonymous, TICKET).status_code] == [401, 401]

    def test_is_checked_after_permissions(self, admin: User, signed_in: SignedIn) -> None:
        api = signed_in(admin)
        send(api, CREATING["/projects"], "/projects")
        User.objects.filter(pk=admin.pk).update(type=UserType.AGENT)

        assert send(api, CREATING["/projects"], "/projects").status_code == 403

    @pytest.mark.usefixtures("fresh_rate_limits")
    def test_is_checked_after_the_rate_limit(self, owner: User, signed_in: SignedIn, settings: Any) -> None:
        settings.RATE_LIMITS, settings.RATE_LIMIT = True, "2/minute"
        api = signed_in(owner)

        statuses = [send(api, TICKET).status_code for _ in range(3)]

        assert statuses == [201, 201, 429]

    def test_replay_runs_four_queries(self, owner: User, signed_in: SignedIn, django_assert_num_queries: Any) -> None:
        api = signed_in(owner)
        send(api, TICKET)

        # The token's owner, BEGIN and COMMIT, and the key with its response.
        with django_assert_num_queries(4):
            send(api, TICKET)


@pytest.mark.django_db
class TestAge:
    @staticmethod
    def grow_older(age: timedelta) -> datetime:
        at = timezone.now()
        IdempotencyKey.objects.update(created_at=at - age)
        return at

    def test_just_under_a_day_still_counts(self, owner: User, signed_in: SignedIn) -> None:
        first = send(signed_in(owner), TICKET)
        self.grow_older(timedelta(hours=23, minutes=59))

        assert send(signed_in(owner), TICKET).json() == first.json()

    def test_after_a_day_the_key_is_new(self, owner: User, signed_in: SignedIn) -> None:
        first = send(signed_in(owner), TICKET)
        self.grow_older(timedelta(hours=24))

        second = send(signed_in(owner), TICKET | {"title": "Another"})
        third = send(signed_in(owner), TICKET | {"title": "Another"})

        assert (second.status_code, REPLAYED in second) == (201, False)
        assert second.json()["id"] != first.json()["id"]
        assert third.content == second.content

    def test_after_a_day_the_response_is_deleted(self, owner: User, signed_in: SignedIn) -> None:
        send(signed_in(owner), TICKET)
        self.grow_older(timedelta(hours=24))
        send(signed_in(owner), TICKET, key="young")

        tasks.delete_expired_keys(timestamp=0)

        assert IdempotencyKey.objects.count() == 1


@pytest.mark.django_db
class TestStoredResponse:
    def test_does_not_reveal_the_request(self, anonymous: APIClient) -> None:
        send(anonymous, NEWCOMER, "/users")

        ((row,),) = psql("SELECT to_jsonb(key)::text FROM idempotency_idempotencykey AS key")

        assert NEWCOMER["name"] in row
        assert NEWCOMER["password"] not in row
        assert KEY not in row

    @pytest.mark.parametrize("path", CREATING)
    def test_is_the_body_and_the_views_headers(self, admin: User, signed_in: SignedIn, path: str) -> None:
        answer = send(signed_in(admin), body_for(path), path)

        kept = IdempotencyKey.objects.get()

        assert json.loads(kept.body) == answer.json()
        assert set(kept.headers) <= {"ETag", "Location"}

    def test_depends_on_the_secret_key(self, anonymous: APIClient, settings: Any) -> None:
        """Without a key, passwords could be guessed offline from the digests."""
        send(anonymous, NEWCOMER, "/users")
        digest = bytes(IdempotencyKey.objects.get().body_digest)
        User.objects.all().delete()
        IdempotencyKey.objects.all().delete()
        settings.SECRET_KEY = "another secret of the server, as long as the first one was"

        send(anonymous, NEWCOMER, "/users")

        assert bytes(IdempotencyKey.objects.get().body_digest) != digest

    def test_contains_no_secrets(self) -> None:
        """The response of every call that accepts keys is stored for a day."""
        secrets = {name: found for name, each in accepting_keys().items() if (found := SECRETS & keys_of_answers(each))}

        assert secrets == NOT_STORED
        assert SECRETS & keys_of_answers(document()["paths"]["/auth/login"]["post"]) == {"token", "refresh"}


@pytest.mark.django_db
class TestLongResponse:
    """A description of 20,000 characters takes up to 120 kB, more than is stored."""

    LONG = TICKET | {"description": "x" + "\x01" * 19_998 + "x"}

    def test_is_replaced_by_the_id(self, owner: User, signed_in: SignedIn) -> None:
        answer = send(signed_in(owner), self.LONG)

        kept = IdempotencyKey.objects.get()

        assert (kept.body, kept.headers, kept.object_id) == ("", {}, answer.json()["id"])

    def test_is_read_again(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)
        first = send(api, self.LONG)
        services.update(ticket_id=first.json()["id"], by=owner, at=timezone.now(), title="Another")

        second = send(api, self.LONG)

        assert (second.status_code, second[REPLAYED]) == (201, "true")
        assert second.json()["title"] == "Another"
        assert first.json() | {"title": "Another"} | times(second) == {
            name: second.json()[name] for name in first.json()
        }
        assert second["ETag"] == api.get(f"/tickets/{first.json()['id']}")["ETag"]

    def test_is_checked_against_the_body(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)
        send(api, self.LONG)

        assert send(api, self.LONG | {"title": "Another"}).status_code == 422

    def test_is_not_read_again_by_someone_who_lost_sight_of_it(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)
        ticket_id = send(api, self.LONG).json()["id"]
        by = make_user(type=UserType.ADMIN)
        services.update(
            ticket_id=ticket_id, by=by, at=timezone.now(), project_id=Project.objects.helpdesk().pk, created_by_id=by.pk
        )

        assert send(api, self.LONG).status_code == 404

    def test_is_one_of_more_than_64_kib(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)
        spare = MAX_BYTES - len(send(api, TICKET, key="short").content)
        # A control character takes six bytes. Text is trimmed, so it must not end with one.
        description = "\x01" * (spare // 6 - 10)
        description = "x" * (spare - 6 * len(description) - 1) + description + "x"

        longest = send(api, TICKET | {"description": description}, key="longest")
        longer = send(api, TICKET | {"description": f"x{description}"}, key="longer")

        assert [len(longest.content), len(longer.content)] == [MAX_BYTES, MAX_BYTES + 1]
        kept = IdempotencyKey.objects.order_by("created_at").values_list("object_id", flat=True)
        assert list(kept) == [None, None, longer.json()["id"]]

    def test_cannot_be_stored_by_other_code(self) -> None:
        with pytest.raises(IntegrityError, match="idempotency_key_size"):
            IdempotencyKey.objects.create(
                digest=b"1",
                body_digest=b"1",
                status=201,
                body="x" * (MAX_BYTES + 1),
                headers={},
                created_at=timezone.now(),
            )


def times(answer: Any) -> dict[str, Any]:
    return {name: answer.json()[name] for name in ("activityDate", "updatedDate", "version")}


def accepting_keys() -> dict[str, dict[str, Any]]:
    """Return the operations that document the header."""
    return {
        f"{method.upper()} {path}": operation
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
    }


def keys_of_answers(operation: dict[str, Any]) -> set[str]:
    """Return every key in successful responses, at any depth."""
    answers = [answer for status, answer in operation["responses"].items() if status < "300"]
    bodies = [answer["content"]["application/json"] for answer in answers if "content" in answer]
    return {key for body in bodies for key in keys_of(body["schema"])}


def keys_of(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from keys_of(inner)
    for inner in [*filter(None, [schema.get("items")]), *schema.get("allOf", [])]:
        yield from keys_of(inner)


class TestDescription:
    def test_documents_the_header_on_every_post_and_delete(self) -> None:
        """Calls that issue or revoke tokens are the exception: tokens are never stored."""
        changing = {
            f"{method.upper()} {path}"
            for path, operations in document()["paths"].items()
            for method in operations
            if method in ("post", "delete") and not path.startswith("/auth/")
        }

        assert changing == set(accepting_keys()) >= {f"POST {path}" for path in CREATING}

    @pytest.mark.parametrize("path", CREATING)
    def test_documents_the_errors(self, path: str) -> None:
        responses = expanded(accepting_keys()[f"POST {path}"]["responses"], document())

        shown = {
            status: set(responses[status]["content"]["application/problem+json"]["examples"])
            for status in ("409", "422")
        }

        assert "still_running" in shown["409"]
        assert shown["422"] == {"idempotency_key_reused"}
        assert REPLAYED in responses["201"]["headers"]

    def test_cors_allows_the_headers(self) -> None:
        assert "idempotency-key" in project_settings.CORS_ALLOW_HEADERS
        assert REPLAYED in project_settings.CORS_EXPOSE_HEADERS


THREADS = 20
PAUSE = 0.2


def claim_without_lock(key: Key, *, at: datetime) -> IdempotencyKey | None:
    """Replace `claim` with a lookup without a lock, followed by a pause in which others do the same."""
    found = IdempotencyKey.objects.filter(digest=key.digest).first()
    time.sleep(PAUSE)
    return found


@pytest.fixture
def _without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "claim", claim_without_lock)


@pytest.fixture
def _without_the_unique_key(db: None) -> Iterator[None]:
    ((name,),) = psql(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'idempotency_idempotencykey'::regclass AND contype = 'p'"
    )
    psql(f"ALTER TABLE idempotency_idempotencykey DROP CONSTRAINT {name}")
    yield
    psql("DELETE FROM idempotency_idempotencykey")
    psql(f"ALTER TABLE idempotency_idempotencykey ADD CONSTRAINT {name} PRIMARY KEY (digest)")


# A program for another process: the same call, as the same user, over its own connection.
OTHER_PROCESS = """
import sys, django
django.setup()
from rest_framework.test import APIClient
api = APIClient(SERVER_NAME="localhost")
api.credentials(HTTP_AUTHORIZATION="Bearer " + sys.argv[1])
sys.stdin.readline()
for _ in range(5):
    answer = api.post("/ticket", {"title": "Fix the database", "price": 12.5}, headers={"Idempotency-Key": sys.argv[2]})
    print(answer.status_code, answer.content.decode(), flush=True)
"""


@pytest.mark.database
@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestTwentyConcurrentRequests:
    def answers(self, owner: User, signed_in: SignedIn) -> list[Any]:
        clients = [signed_in(owner) for _ in range(THREADS)]
        return at_once(*(lambda api=api: send(api, TICKET) for api in clients))

    def test_create_one_ticket_and_get_the_same_response(self, owner: User, signed_in: SignedIn) -> None:
        answers = self.answers(owner, signed_in)

        assert Ticket.objects.count() == 1
        assert Counter((answer.status_code, answer.content) for answer in answers).most_common(1)[0][1] == THREADS
        assert sum(REPLAYED not in answer for answer in answers) == 1

    @pytest.mark.usefixtures("_without_the_lock", "_without_the_unique_key")
    def test_create_several_without_lock_and_unique_key(self, owner: User, signed_in: SignedIn) -> None:
        self.answers(owner, signed_in)

        assert Ticket.objects.count() > 1

    @pytest.mark.usefixtures("_without_the_lock")
    def test_create_one_even_without_the_lock(self, owner: User, signed_in: SignedIn) -> None:
        answers = self.answers(owner, signed_in)

        # Requests that start late, on a busy machine, get a replay.
        assert sum(answer.status_code == 201 and REPLAYED not in answer for answer in answers) == 1
        assert Ticket.objects.count() == 1

    def test_create_one_from_two_processes(self, owner: User) -> None:
        environment = os.environ | {
            "DATABASE_URL": configuration.connection_url(connection.settings_dict),
            "DJANGO_SETTINGS_MODULE": "ticketing.settings",
        }
        command = [sys.executable, "-c", OTHER_PROCESS, tokens.issue(owner).access, KEY]
        processes = [
            subprocess.Popen(
                command,
                env=environment,
                cwd=project_settings.BASE_DIR,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]

        for process in processes:
            assert process.stdin
            process.stdin.write("now\n")
            process.stdin.flush()
        lines = [line for process in processes for line in process.communicate(timeout=300)[0].splitlines()]

        assert len(lines) == 10
        assert len(set(lines)) == 1
        assert lines[0].startswith("201 ")
        assert Ticket.objects.count() == 1


@pytest.mark.database
@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestWhileTheFirstIsRunning:
    @pytest.fixture
    def paused(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Event, Event]]:
        """Pause the first request after it has created its ticket. Return the events `created` and `resume`."""
        created, resume, create = Event(), Event(), services.create

        def create_and_pause(**arguments: Any) -> Ticket:
            ticket = create(**arguments)
            if not created.is_set():
                created.set()
                resume.wait(20)
            return ticket

        monkeypatch.setattr(services, "create", create_and_pause)
        yield created, resume
        resume.set()

    def test_others_wait_for_its_response(self, owner: User, signed_in: SignedIn, paused: tuple[Event, Event]) -> None:
        created, resume = paused

        def second() -> Any:
            created.wait()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(lambda: (time.sleep(PAUSE), resume.set()))
                return send(signed_in(owner), TICKET)

        first_answer, second_answer = at_once(lambda: send(signed_in(owner), TICKET), second)

        assert (first_answer.status_code, second_answer.status_code) == (201, 201)
        assert second_answer.content == first_answer.content
        assert REPLAYED in second_answer

    def test_others_get_409_after_the_lock_timeout(
        self, owner: User, signed_in: SignedIn, paused: tuple[Event, Event]
    ) -> None:
        created, resume = paused

        def second() -> Any:
            created.wait()
            try:
                return send(signed_in(owner), TICKET)
            finally:
                resume.set()

        first_answer, second_answer = at_once(lambda: send(signed_in(owner), TICKET), second)

        assert first_answer.status_code == 201
        assert (second_answer.status_code, second_answer.json()["code"]) == (409, "still_running")
        assert send(signed_in(owner), TICKET).content == first_answer.content

    def test_another_does_the_work_if_it_fails(self, owner: User, signed_in: SignedIn) -> None:
        api, body = signed_in(owner), TICKET
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                # Stands for a first request that is then refused.
                send(signed_in(owner), body)
                waiting = pool.submit(lambda: (send(api, body), connection.close())[0])
                time.sleep(PAUSE)
                is_waiting = not waiting.done()
                transaction.set_rollback(True)
            answer = waiting.result()

        assert is_waiting
        assert (answer.status_code, REPLAYED in answer) == (201, False)
        assert Ticket.objects.count() == 1
