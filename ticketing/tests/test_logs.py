"""Each request gets one log line, with the fields operators filter by and without secrets."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.conf import settings as configured
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from accounts.tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """Return what was logged so far, down to DEBUG."""
    caplog.set_level(logging.DEBUG)
    return lambda: [record.msg for record in caplog.records if isinstance(record.msg, dict)]


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
structlog.contextvars.bind_contextvars(request_id="abc")
try:
    secret = "open, sesame"
    raise RuntimeError("broken")
except RuntimeError:
    structlog.get_logger("x").exception("unexpected", path="/ticket")
logging.getLogger("y").warning("from a %s", "library")
"""

    def output(self, **environment: str) -> str:
        everything = os.environ | {
            "DJANGO_SETTINGS_MODULE": "ticketing.settings",
            "DATABASE_URL": "postgres://unused/unused",
            "TESTING": "off",
            **environment,
        }
        program = [sys.executable, "-c", self.PROGRAM]
        return subprocess.run(
            program, env=everything, cwd=configured.BASE_DIR, capture_output=True, text=True, check=True
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

    @pytest.mark.parametrize("demo", ["on", "off"])
    def test_shows_no_local_variables(self, demo: str) -> None:
        assert "open, sesame" not in self.output(DEMO=demo)
