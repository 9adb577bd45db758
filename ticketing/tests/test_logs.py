"""Each request gets one log line, with the fields operators filter by and without secrets."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
import structlog
from django.conf import settings as configured
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from accounts.tests.factories import PASSWORD
from ticketing import logs

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return what was logged so far."""
    with structlog.testing.capture_logs([logs.add_fields]) as entries:
        yield lambda: [{name: entry[name] for name in entry if name != "log_level"} for entry in entries]


Lines = Callable[[], list[dict[str, Any]]]


def only(lines: list[dict[str, Any]], event: str) -> dict[str, Any]:
    (line,) = (line for line in lines if line["event"] == event)
    return line


class TestRequestLine:
    def test_has_method_path_status_user_and_duration(self, owner: User, signed_in: SignedIn, lines: Lines) -> None:
        answer = signed_in(owner).get("/tickets?search=secret")

        line = only(lines(), "request_finished")
        assert line.pop("duration_ms") > 0
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "event": "request_finished",
            "level": "info",
            "method": "GET",
            "path": "/tickets",
            "status": 200,
            "user_id": owner.pk,
            "request_id": answer["X-Request-ID"],
        }

    def test_has_no_user_when_signed_out(self, anonymous: APIClient, lines: Lines) -> None:
        anonymous.get("/nothing")

        line = only(lines(), "request_finished")
        assert (line["status"], line["user_id"], line["level"]) == (404, None, "info")

    def test_is_written_if_no_view_is_reached(self, anonymous: APIClient, lines: Lines) -> None:
        anonymous.get("/auth/me", HTTP_HOST="evil.example")

        assert only(lines(), "request_finished")["status"] == 400

    def test_does_not_mix_requests(self, owner: User, anonymous: APIClient, signed_in: SignedIn, lines: Lines) -> None:
        signed_in(owner).get("/auth/me")
        anonymous.get("/nothing")

        finished = [line for line in lines() if line["event"] == "request_finished"]
        assert [line["user_id"] for line in finished] == [owner.pk, None]
        assert finished[0]["request_id"] != finished[1]["request_id"]


class TestSecrets:
    def test_are_never_logged(
        self, owner: User, anonymous: APIClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.DEBUG)
        pair = tokens.issue(owner)
        bearer = f"Bearer {pair.access}"

        anonymous.post("/auth/login?hint=sesame", {"email": owner.email, "password": PASSWORD})
        anonymous.post("/auth/login?hint=sesame", {"email": owner.email, "password": "wrong sesame"})
        anonymous.post("/users?hint=sesame", {"name": "Nora", "password": "sesame"}, HTTP_AUTHORIZATION=bearer)
        anonymous.post("/auth/refresh?hint=sesame", {"refresh": pair.refresh}, HTTP_AUTHORIZATION=bearer)
        anonymous.post(
            "/auth/password", {"currentPassword": "wrong sesame", "password": "s*same, new"}, HTTP_AUTHORIZATION=bearer
        )

        logged = caplog.text + "".join(capfd.readouterr())
        assert "request_finished" in logged
        for secret in ("sesame", "s*same", PASSWORD, pair.access, pair.refresh):
            assert secret not in logged


@pytest.mark.urls("kit.tests.urls")
class TestFaults:
    @pytest.mark.parametrize("path", ["/faulty", "/faulty-outside-drf"])
    def test_are_logged_once_with_traceback_and_request_id(self, lines: Lines, path: str) -> None:
        answer = APIClient(raise_request_exception=False).get(path)

        faults = [line for line in lines() if line.get("exc_info")]
        assert len(faults) == 1
        assert faults[0]["level"] == "error"
        assert faults[0]["request_id"] == answer.json()["requestId"]

    @pytest.mark.parametrize("path", ["/faulty", "/faulty-outside-drf"])
    def test_have_exactly_one_request_line(self, lines: Lines, path: str) -> None:
        APIClient(raise_request_exception=False).get(path)

        assert [line["status"] for line in lines() if "duration_ms" in line] == [500]


@pytest.mark.urls("kit.tests.urls")
class TestStreams:
    def test_log_faults_with_the_id_of_their_request(self, anonymous: APIClient, lines: Lines) -> None:
        """The stream is sent after the request's own line, in another thread."""
        answer = anonymous.get("/faulty-stream")
        with pytest.raises(RuntimeError):
            b"".join(answer.streaming_content)  # type: ignore[attr-defined]

        line = only(lines(), "streaming_failed")
        assert line["exc_info"]
        assert line["request_id"] == answer["X-Request-ID"]


@pytest.mark.slow
class TestFormat:
    PROGRAM = """
import django; django.setup()
import structlog, logging
from kit.web.request_id import request_id
request_id.set("abc")
try:
    secret = "open, sesame"
    raise RuntimeError("broken")
except RuntimeError:
    structlog.get_logger("x").exception("unexpected", path="/ticket")
logging.getLogger("y").warning("from a %s", "library")
"""

    ODD = """
import django; django.setup()
import datetime, structlog
structlog.get_logger("x").info("odd", text="\\ud800", number=2**70, thing=object(), at=datetime.date(2026, 1, 31))
"""
    MANY = """
import django; django.setup()
import logging, os, structlog, threading
os.fork()
def work():
    for number in range(100):
        structlog.get_logger("x").info("ours", text="x" * 3000)
        logging.getLogger("y").info("theirs" + "x" * 3000)
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""

    def output(self, program: str = PROGRAM, **environment: str) -> str:
        everything = os.environ | {
            "DJANGO_SETTINGS_MODULE": "ticketing.settings",
            "DATABASE_URL": "postgres://unused/unused",
            "TESTING": "off",
            **environment,
        }
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, env=everything, cwd=configured.BASE_DIR, capture_output=True, text=True, check=True
        ).stderr

    def test_is_json_in_production(self) -> None:
        lines = [orjson.loads(line) for line in self.output().splitlines()]

        assert [line["event"] for line in lines] == ["unexpected", "from a library"]
        assert (lines[0]["request_id"], lines[0]["path"], lines[0]["level"]) == ("abc", "/ticket", "error")
        assert "RuntimeError: broken" in lines[0]["exception"]

    def test_is_readable_locally(self) -> None:
        output = self.output(DEMO="on")

        assert "[error    ] unexpected" in output
        assert "RuntimeError: broken" in output

    def test_is_a_setting(self) -> None:
        assert orjson.loads(self.output(DEMO="on", LOG_FORMAT="json").splitlines()[0])["event"] == "unexpected"
        assert "[error    ] unexpected" in self.output(LOG_FORMAT="console")

    def test_respects_the_level(self) -> None:
        lines = [orjson.loads(line) for line in self.output(LOG_LEVEL="ERROR").splitlines()]

        assert [line["event"] for line in lines] == ["unexpected"]

    @pytest.mark.parametrize("line_format", logs.FORMATS)
    def test_writes_whatever_is_logged(self, line_format: str) -> None:
        (line,) = self.output(self.ODD, LOG_FORMAT=line_format).splitlines()

        assert "odd" in line
        assert str(2**70) in line
        assert "2026" in line

    def test_lines_of_threads_and_processes_do_not_mix(self) -> None:
        lines = [orjson.loads(line) for line in self.output(self.MANY).splitlines()]

        assert len(lines) == 2 * 4 * 200

    @pytest.mark.parametrize("demo", ["on", "off"])
    def test_shows_no_local_variables(self, demo: str) -> None:
        assert "open, sesame" not in self.output(DEMO=demo)
