"""What all API paths have in common: JSON in, JSON out, and never an HTML page or a traceback."""

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults

import orjson
import psycopg
import pytest
from django.conf import settings as configured
from django.core.exceptions import TooManyFieldsSent
from django.db import close_old_connections, connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from ticketing.wsgi import application
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]
LARGE = 99999999999999999999999999


@pytest.fixture(params=[False, True], ids=["production", "debug"])
def debug(request: pytest.FixtureRequest, settings: Any) -> bool:
    settings.DEBUG = request.param
    return settings.DEBUG


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient(raise_request_exception=False)


def is_problem(answer: Any, status: int) -> bool:
    """Assert the status and headers of a problem, and return whether it has every member."""
    assert answer.status_code == status, answer.content[:200]
    assert answer["Content-Type"] == "application/problem+json"
    body = orjson.loads(answer.content)
    assert body["status"] == status
    assert body["requestId"] == answer["X-Request-ID"] != ""
    return {"type", "title", "detail", "code", "message"} <= body.keys()


@pytest.mark.usefixtures("debug")
class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/nothing",
            "/users/",
            "/auth/login/",
            "/tickets/1/",
            "/USERS",
            "/users/../users",
            "/tickets/abc",
            "/tickets/-1",
            "/tickets/1.5",
            f"/tickets/{'9' * 5000}",
            "/tickets/٣",
            "/%00",
            "/%0d%0aSet-Cookie:x",
            "/%ff%fe",
            "/%zz",
            "/%",
            "/%ed%a0%80",
            "/static/nothing.css",
            "/apiary",
            "/nothing?a=%ff&b=%00&c=%zz",
        ],
    )
    @pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
    def test_that_do_not_exist_are_404(self, anonymous: APIClient, method: str, path: str) -> None:
        assert is_problem(getattr(anonymous, method)(path), 404)

    def test_answer_head_without_a_body(self, anonymous: APIClient) -> None:
        answer = anonymous.head("/nothing")

        assert (answer.status_code, answer.content) == (404, b"")

    @pytest.mark.parametrize(
        ("method", "path", "allow"),
        [
            ("put", "/users", "GET, POST, HEAD, OPTIONS"),
            ("delete", "/users", "GET, POST, HEAD, OPTIONS"),
            ("trace", "/users", "GET, POST, HEAD, OPTIONS"),
            ("put", "/auth/login", "POST, OPTIONS"),
            ("head", "/auth/login", "POST, OPTIONS"),
            ("post", "/auth/me", "GET, HEAD, OPTIONS"),
            ("post", "/healthz", "GET, HEAD, OPTIONS"),
            ("delete", "/schema", "GET, HEAD, OPTIONS"),
        ],
    )
    def test_list_the_allowed_methods(
        self, owner: User, signed_in: SignedIn, method: str, path: str, allow: str
    ) -> None:
        answer = getattr(signed_in(owner), method)(path)

        assert (answer.status_code, answer["Allow"]) == (405, allow)
        assert method == "head" or is_problem(answer, 405)

    def test_refuse_an_unknown_method(self, anonymous: APIClient) -> None:
        assert is_problem(anonymous.generic("DISPATCH", "/users"), 405)

    @pytest.mark.parametrize("path", ["/users", "/auth/login", "/healthz", "/docs"])
    def test_answer_options_with_the_allowed_methods(self, anonymous: APIClient, path: str) -> None:
        answer = anonymous.options(path)

        assert (answer.status_code, answer.content) == (200, b"")
        assert "OPTIONS" in answer["Allow"]

    def test_answer_head_like_get(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).head("/auth/me")

        assert (answer.status_code, answer.content) == (200, b"")

    def test_treat_an_out_of_range_id_as_missing(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).get(f"/tickets/{LARGE}")

        assert is_problem(answer, 404)
        assert answer.json()["message"] == "Ticket not found"

    def test_answer_json_regardless_of_accept(self, anonymous: APIClient) -> None:
        assert is_problem(anonymous.get("/auth/me", HTTP_ACCEPT="text/html, image/*;q=0.5, nonsense"), 401)


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("path", ["/users", "/auth/login", "/ticket"])
class TestBodies:
    @pytest.fixture
    def post(self, owner: User, signed_in: SignedIn, path: str) -> Callable[..., Any]:
        client = signed_in(owner)
        return lambda body, content_type="application/json": client.generic("POST", path, body, content_type)

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"[]",
            b"[{}]",
            b"null",
            b"7",
            b'"text"',
            b"{} {}",
            b"{'a': 1}",
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b'{"a": "\\ud800"}',
            b'{"a": "\xff"}',
            b"\xff\xfe{\x00}\x00",
            b'{"a": "\x00"}',
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"[" * 500_000 + b"]" * 500_000,
            b'{"title": "x", "status": ' + b"[" * 1000 + b"]" * 1000 + b"}",
        ],
        ids=lambda body: repr(body[:12]),
    )
    def test_that_are_not_a_json_object_are_400(self, post: Callable[..., Any], body: bytes) -> None:
        answer = post(body)

        assert is_problem(answer, 400)
        assert answer.json()["code"] == "parse_error"

    def test_that_are_empty_lack_every_required_field(self, post: Callable[..., Any]) -> None:
        answer = post(b"")

        assert is_problem(answer, 400)
        assert answer.json()["errors"]

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "nonsense",
            "",
            "a/b;c=\xff",
        ],
    )
    def test_with_another_content_type_are_415(self, post: Callable[..., Any], content_type: str) -> None:
        assert is_problem(post(b"{}", content_type), 415)

    def test_that_are_too_large_are_413(self, post: Callable[..., Any]) -> None:
        assert is_problem(post(b" " * (configured.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)), 413)

    def test_of_the_maximum_size_are_read(self, post: Callable[..., Any]) -> None:
        assert is_problem(post(b"{}".ljust(configured.DATA_UPLOAD_MAX_MEMORY_SIZE)), 400)

    @pytest.mark.parametrize("value", ["a\u0000b", "\u0000", [[[[]]]], {"$ne": None}, LARGE, -1, 1.5, True, None])
    def test_with_unexpected_values_are_400(self, post: Callable[..., Any], value: Any) -> None:
        keys = (
            "name",
            "email",
            "type",
            "password",
            "currentPassword",
            "refresh",
            "title",
            "price",
            "project",
            "dueDate",
        )

        assert is_problem(post(orjson.dumps(dict.fromkeys(keys, value)) if value != LARGE else _large(keys)), 400)


def _large(keys: tuple[str, ...]) -> bytes:
    """Return JSON with an integer too large for orjson to write."""
    return ("{" + ",".join(f'"{key}": {LARGE}' for key in keys) + "}").encode()


@pytest.mark.usefixtures("debug")
class TestRequests:
    @pytest.mark.parametrize("host", ["evil.example", "a b", "localhost:port", "", "[::1"])
    def test_for_an_unknown_host_are_400(self, anonymous: APIClient, host: str) -> None:
        answer = anonymous.get("/auth/me", HTTP_HOST=host)

        assert is_problem(answer, 400)
        assert answer.json()["code"] == "unknown_host"

    @pytest.mark.parametrize("length", ["-1", "²", "1e3", "x", "", "9" * 5000])
    def test_with_an_invalid_content_length_are_not_500(self, anonymous: APIClient, length: str) -> None:
        assert anonymous.get("/auth/me", CONTENT_LENGTH=length).status_code in {401, 413}

    def test_without_a_content_length_are_411(self, anonymous: APIClient) -> None:
        answer = anonymous.generic(
            "POST", "/users", "", "application/json", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH=""
        )

        assert is_problem(answer, 411)

    def test_with_too_many_parameters_are_400(self, anonymous: APIClient) -> None:
        query = "a=1&" * 2000

        answer = anonymous.post(f"/auth/login?{query}", {"email": "nobody@example.com", "password": "x"})

        assert is_problem(answer, 400)

    def test_with_invalid_utf_8_parameters_are_400(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/auth/login?a=%ff&%00=b&%ed%a0%80=c", {"email": "nobody@example.com", "password": "x"})

        assert is_problem(answer, 400)
        assert [fault["field"] for fault in answer.json()["errors"]] == ["a", "\x00", "\ufffd" * 3]

    def test_with_a_broken_cookie_are_served(self, anonymous: APIClient) -> None:
        assert is_problem(anonymous.get("/auth/me", HTTP_COOKIE='sessionid=\x00"; =;;'), 401)


class TestEncoding:
    """Django decodes the query string before middleware runs, so the request class itself fixes the encoding."""

    @staticmethod
    def request(query: str, charset: str) -> HttpRequest:
        environ = {"QUERY_STRING": query, "CONTENT_TYPE": f"application/json; charset={charset}"}
        setup_testing_defaults(environ)
        return application.request_class(environ)

    @pytest.mark.parametrize("charset", ["hex", "idna", "punycode", "undefined", "unicode_escape", "utf-16", "latin1"])
    def test_is_utf_8_regardless_of_the_content_type(self, charset: str) -> None:
        request = self.request(r"venue=Caf%c3%a9&search=\ud800", charset)

        assert request.GET.dict() == {"venue": "Café", "search": r"\ud800"}

    def test_raises_for_too_many_parameters_on_access(self) -> None:
        request = self.request("a=1&" * 2000, "utf-8")

        with pytest.raises(TooManyFieldsSent):
            _ = request.GET


class TestRequestId:
    def test_is_generated(self, anonymous: APIClient) -> None:
        answers = [anonymous.get("/healthz") for _ in range(2)]

        assert all(uuid.UUID(answer["X-Request-ID"]) for answer in answers)
        assert answers[0]["X-Request-ID"] != answers[1]["X-Request-ID"]

    @pytest.mark.parametrize("request_id", ["mine", "a\r\nSet-Cookie: x=y", "a" * 5000, "é", "<script>"])
    def test_ignores_the_clients_header(self, anonymous: APIClient, request_id: str) -> None:
        assert uuid.UUID(anonymous.get("/healthz", HTTP_X_REQUEST_ID=request_id)["X-Request-ID"])


@pytest.mark.urls("kit.tests.urls")
@pytest.mark.usefixtures("debug")
class TestFaults:
    @pytest.mark.parametrize(
        ("path", "status"), [("/faulty", 500), ("/faulty-outside-drf", 500), ("/suspicious-outside-drf", 400)]
    )
    def test_reveal_nothing_about_the_cause(self, anonymous: APIClient, path: str, status: int) -> None:
        answer = anonymous.get(path)

        assert is_problem(answer, status)
        assert not re.search(rb"combination|Traceback|RuntimeError|\.py", answer.content)


@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestDatabase:
    @pytest.fixture
    def elsewhere(self) -> Iterator[psycopg.Connection]:
        """A second connection to the same database."""
        options = connection.get_connection_params()
        with psycopg.connect(
            **{name: options[name] for name in ("host", "port", "user", "dbname") if name in options}
        ) as other:
            yield other
            other.rollback()

    @pytest.mark.slow
    def test_lock_timeout_is_503(
        self, owner: User, assignee: User, signed_in: SignedIn, elsewhere: psycopg.Connection
    ) -> None:
        ticket = make_ticket(owner)
        api = signed_in(owner)
        elsewhere.execute("SELECT 1 FROM tickets_ticket WHERE id = %s FOR UPDATE", [ticket.pk])

        answer = api.post(f"/tickets/{ticket.pk}/assign", {"userId": assignee.pk})

        assert is_problem(answer, 503)
        assert answer["Retry-After"] == "1"
        assert answer.json()["code"] == "busy"

    def test_broken_connection_is_503_and_the_next_request_succeeds(
        self, owner: User, signed_in: SignedIn, elsewhere: psycopg.Connection
    ) -> None:
        api = signed_in(owner)
        pid = connection.connection.info.backend_pid
        elsewhere.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

        answers = [api.get("/auth/me")]
        # Runs after every request, except those of Django's test client.
        close_old_connections()
        answers.append(api.get("/auth/me"))

        assert [answer.status_code for answer in answers] == [503, 200]

    def test_connection_broken_between_requests_goes_unnoticed(
        self, owner: User, signed_in: SignedIn, elsewhere: psycopg.Connection, django_assert_num_queries: Any
    ) -> None:
        api = signed_in(owner)
        for is_broken in (False, True):
            before = connection.connection
            if is_broken:
                elsewhere.execute("SELECT pg_terminate_backend(%s, 5000)", [before.info.backend_pid])
            # Runs before every request, except those of Django's test client.
            close_old_connections()

            # One for the token's owner. Checking the connection runs no query.
            with django_assert_num_queries(1):
                answer = api.get("/auth/me")

            assert answer.status_code == 200
            assert (connection.connection is before) != is_broken


@pytest.mark.django_db
class TestSession:
    def test_of_the_admin_is_ignored_by_the_api(self, admin: User, client: Client) -> None:
        client.force_login(admin)

        with CaptureQueriesContext(connection) as captured:
            answers = [client.get(path) for path in ("/auth/me", "/events", "/nothing")]

        assert [answer.status_code for answer in answers] == [401, 200, 404]
        assert not any("session" in query["sql"] for query in captured.captured_queries)
        assert client.get("/admin/").status_code == 200


class TestCors:
    @staticmethod
    def preflight(origin: str) -> Any:
        return APIClient().options(
            "/ticket",
            HTTP_ORIGIN=origin,
            HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
            HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization,content-type",
        )

    def test_is_closed_unless_configured(self, anonymous: APIClient) -> None:
        answers = [
            self.preflight("https://app.example.com"),
            anonymous.get("/healthz", HTTP_ORIGIN="https://app.example.com"),
        ]

        assert not any(name.startswith("Access-Control") for answer in answers for name in answer.headers)

    def test_opens_for_a_configured_origin(self, settings: Any) -> None:
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

        answer = self.preflight("https://app.example.com")

        assert answer.status_code == 200
        assert answer["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "POST" in answer["Access-Control-Allow-Methods"]
        assert {"authorization", "content-type"} <= set(answer["Access-Control-Allow-Headers"].split(", "))

    def test_stays_closed_for_others(self, settings: Any) -> None:
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

        assert "Access-Control-Allow-Origin" not in self.preflight("https://evil.example").headers

    def test_covers_error_responses(self, anonymous: APIClient, settings: Any) -> None:
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

        answer = anonymous.get("/auth/me", HTTP_ORIGIN="https://app.example.com")

        assert answer.status_code == 401
        assert answer["Access-Control-Allow-Origin"] == "https://app.example.com"
        assert "X-Request-ID" in answer["Access-Control-Expose-Headers"]

    def test_never_opens_the_admin(self, anonymous: APIClient, settings: Any) -> None:
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

        answer = anonymous.get("/admin/login/", HTTP_ORIGIN="https://app.example.com")

        assert "Access-Control-Allow-Origin" not in answer.headers
