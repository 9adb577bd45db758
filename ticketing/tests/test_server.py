"""The web server as it listens: bodies that come late, clients that are slow, and answers to what is hardly HTTP."""

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import orjson
import pytest
from django.test import override_settings

from ticketing.tests.server import Answer, Client, head, served

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("django_db_setup")]

PAUSE = 0.05
LIMIT = 1024 * 1024
# For heads and for bodies, in seconds.
BOUND = 4
ORIGIN = "https://app.example.com"
# Sent before the body is needed, in every contract.
REFUSALS = [
    ("POST /tickets", {}, 401),
    ("POST /auth/login", {}, 429),
    ("POST /events/1/bookings", {"content_type": "text/plain"}, 415),
    ("PATCH /tickets/1", {}, 401),
    ("POST /nothing", {}, 404),
    ("POST /healthz", {}, 405),
    ("DELETE /tickets", {}, 401),
    ("GET /auth/me", {}, 401),
    ("HEAD /auth/me", {}, 401),
    ("POST /tickets", {"host": "evil.example"}, 400),
    ("OPTIONS /tickets", {"origin": ORIGIN, "access_control_request_method": "POST"}, 200),
    ("POST /admin/login/", {}, 403),
    ("POST /book", {}, 401),
    ("POST /login", {}, 429),
    ("POST /api/v1/event", {}, 401),
    ("POST /api/v1/nothing", {}, 404),
    ("POST /api/tickets", {}, 401),
    ("PUT /api/health", {}, 405),
]


@pytest.fixture(scope="module")
def port(django_db_setup: None) -> Iterator[int]:
    variables = {
        "CORS_ALLOWED_ORIGINS": ORIGIN,
        "RATE_LIMITS": "on",
        "RATE_LIMIT": "100000/minute",
        "RATE_LIMIT_SIGN_IN": "1/hour",
        "REQUEST_BODY_SECONDS": str(BOUND),
    }
    with override_settings(REQUEST_HEAD_SECONDS=BOUND), served(**variables) as port:
        yield port


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    with Client(port) as client:
        yield client


class TestBodiesAfterTheAnswer:
    def test_leave_the_connection_usable_a_hundred_times_in_a_row(self, client: Client) -> None:
        sizes = itertools.cycle([20, 3_000, 70_000, 400_000, LIMIT])
        client.request("POST /auth/login", b"{}")

        for (line, headers, status), size, _ in zip(itertools.cycle(REFUSALS), sizes, range(100), strict=False):
            answer = client.request(line, b"x" * size, PAUSE, **headers)

            assert (line, answer.status) == (line, status)
            assert "connection" not in answer.headers

    def test_may_be_chunked(self, client: Client) -> None:
        for _ in range(3):
            client.send(head("POST /tickets", transfer_encoding="chunked"))
            time.sleep(PAUSE)
            client.send(b"5\r\nhello\r\n0\r\n\r\n")

            assert client.answer().status == 411

        assert client.request("GET /healthz").status == 200

    def test_are_asked_for_if_the_client_waits_to_be_asked(self, client: Client) -> None:
        client.send(head("POST /tickets", content_length="20", expect="100-continue"))
        assert client.answer().status == 100

        client.send(b"x" * 20)

        assert client.answer().status == 401

    def test_may_be_pipelined(self, client: Client) -> None:
        client.send((head("POST /tickets", content_length="3") + b"abc" + head("GET /healthz")) * 3)

        assert [client.answer().status for _ in range(6)] == [401, 200] * 3


class TestBodiesOverTheLimit:
    @pytest.mark.parametrize("size", [LIMIT + 1, 3 * LIMIT, 9 * LIMIT])
    def test_are_answered_and_end_the_connection(self, client: Client, size: int) -> None:
        answer = client.request("POST /tickets", b"x" * size, PAUSE, origin=ORIGIN)

        assert_refused(answer, 413, "request_too_large")
        assert client.is_closed()

    def test_are_not_all_read(self, client: Client) -> None:
        with pytest.raises(ConnectionError):
            client.request("POST /tickets", b"x" * 100 * LIMIT)

    def test_are_answered_before_they_are_sent_to_a_client_that_asks(self, client: Client) -> None:
        client.send(head("POST /tickets", content_length=str(LIMIT + 1), expect="100-continue"))

        assert client.answer().status == 413

    def test_are_counted_if_they_are_chunked(self, client: Client) -> None:
        client.send(head("POST /tickets", transfer_encoding="chunked"))
        chunk = b"%x\r\n" % LIMIT + b"x" * LIMIT + b"\r\n"
        client.send(chunk * 3 + b"0\r\n\r\n")

        answer = client.answer()

        assert (answer.status, answer.headers["connection"]) == (411, "close")


class TestSlowClients:
    def test_are_cut_off_and_hold_up_nobody_else(self, port: int) -> None:
        with ExitStack() as stack:
            silent, half_heads, half_bodies, dribblers = (
                [stack.enter_context(Client(port)) for _ in range(number)] for number in (3, 6, 8, 6)
            )
            for slow in half_heads:
                slow.send(head("POST /tickets")[:40])
            for slow in half_bodies:
                slow.send(head("POST /tickets", content_length="1000", origin=ORIGIN) + b"x" * 500)
            stop = threading.Event()
            stack.callback(stop.set)
            for slow in dribblers:
                slow.send(head("POST /tickets", content_length="1000", origin=ORIGIN))
            threading.Thread(target=dribble, args=(dribblers, stop)).start()

            assert max(seconds_of_requests(port, seconds=1)) < 1
            with ThreadPoolExecutor(len(half_bodies + dribblers)) as pool:
                for answer in pool.map(Client.answer, half_bodies + dribblers):
                    assert_refused(answer, 408, "request_timeout")
            assert all(slow.is_closed() for slow in silent + half_heads + half_bodies)

    def test_that_leave_early_do_nothing(self, client: Client) -> None:
        client.send(head("POST /tickets", content_length="20") + b"{}")
        client.socket.shutdown(socket.SHUT_WR)

        assert (client.answer().status, client.is_closed()) == (400, True)


class TestHeads:
    @pytest.mark.parametrize(
        ("line", "headers", "status", "code"),
        [
            ("GET /tickets?search=" + "x" * 9000, {}, 414, "url_too_long"),
            ("GET /" + "x" * 60_000, {}, 414, "url_too_long"),
            ("GET /tickets", {"x_long": "x" * 40_000}, 431, "headers_too_large"),
            ("GET /tickets", {"x_long": "x" * 300_000}, 431, "headers_too_large"),
        ],
        ids=["query", "path", "header", "long header"],
    )
    def test_that_are_too_large_are_refused_in_json(
        self, client: Client, line: str, headers: dict[str, Any], status: int, code: str
    ) -> None:
        assert_refused(client.request(line, origin=ORIGIN, **headers), status, code)

    @pytest.mark.parametrize(
        ("text", "status"),
        [
            (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
            (head("GET /tickets", content_length="three"), 400),
            (head("GET /" + "x" * 70_000), 414),
            (head("GET /tickets", **{f"x_{number}": "1" for number in range(120)}), 431),
        ],
        ids=["not HTTP", "length", "URL", "headers"],
    )
    def test_that_the_server_cannot_read_are_refused_without_a_body(
        self, client: Client, text: bytes, status: int
    ) -> None:
        """docs/operations.md says so: nothing of ours runs yet."""
        client.send(text)

        answer = client.answer()

        assert (answer.status, answer.body, answer.headers["connection"]) == (status, b"", "close")

    @pytest.mark.parametrize("line", ["OPTIONS *", "GET /%ff", "TRACE /tickets", "CONNECT example.com:80"])
    def test_that_are_unusual_are_answered_in_json(self, client: Client, line: str) -> None:
        answer = client.request(line)

        assert 400 <= answer.status < 500
        assert answer.headers["content-type"] == "application/problem+json"

    def test_cannot_pass_off_an_underscore_as_a_hyphen(self, client: Client) -> None:
        client.send(head("GET /healthz").replace(b"Host: localhost", b"Host: localhost\r\nContent_Length: 5"))

        assert client.answer().status == 200

    def test_may_repeat_headers(self, client: Client) -> None:
        repeated = b"Content-Length: 3\r\nX-Name: 1\r\n" * 2
        client.send(head("POST /tickets").removesuffix(b"\r\n") + repeated + b"\r\n")
        client.send(b"abc")

        assert client.answer().status in (400, 401)

    @pytest.mark.parametrize(
        ("line", "name", "status"),
        [
            ("POST /events/1/bookings", b"Authorization", 401),
            ("POST /api/v1/booking", b"Authorization", 401),
            ("GET /healthz", b"User-Agent", 200),
            ("GET /admin/login/", b"Cookie", 200),
            ("GET /healthz", b"Host", 400),
        ],
    )
    def test_with_characters_outside_ascii_are_not_ignored(
        self, client: Client, line: str, name: bytes, status: int
    ) -> None:
        text = head(line, content_length="2") if line.startswith("POST") else head(line)
        text = text.replace(b"Host: localhost\r\n", b"") if name == b"Host" else text
        client.send(text.removesuffix(b"\r\n") + name + b": Bearer \xc3\xa9\r\n\r\n")
        client.send(b"{}" if line.startswith("POST") else b"")

        assert client.answer().status == status

    def test_need_no_body_or_keep_alive(self, client: Client) -> None:
        client.send(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")

        assert (client.answer().status, client.is_closed()) == (200, True)


def assert_refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, orjson.loads(answer.body)["code"]) == (status, code)
    assert answer.headers["connection"] == "close"
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def dribble(clients: list[Client], stop: threading.Event) -> None:
    with suppress(OSError):
        while not stop.wait(0.3):
            for client in clients:
                client.send(b"x")


def seconds_of_requests(port: int, *, seconds: float) -> Iterator[float]:
    started = time.monotonic()
    while (sent := time.monotonic()) < started + seconds:
        with Client(port) as client:
            assert client.request("POST /tickets", b"{}").status == 401
        yield time.monotonic() - sent
