"""The settings of database connections, and what happens when PostgreSQL accepts connections but never answers."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from kit.db.configuration import configuration

SECONDS = 3
# Time for whatever else the machine does.
SLACK = 5

REQUESTS = """
import time
import django
django.setup()
from django.test import Client
import orjson
client, answers = Client(SERVER_NAME="localhost"), []
client.get("/healthz")  # Imports the views.
for path, body in (("/events", None), ("/auth/login", {"email": "olga@example.com", "password": "pass-word"})):
    started_at = time.monotonic()
    answer = client.get(path) if body is None else client.post(path, body, content_type="application/json")
    answers.append((answer.status_code, answer.json()["code"], time.monotonic() - started_at))
print(orjson.dumps(answers).decode())
"""


@pytest.fixture
def hanging() -> Iterator[str]:
    """The URL of a database that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"postgres://ticketing:secret@127.0.0.1:{server.getsockname()[1]}/ticketing"


class TestConnectTimeout:
    def test_is_three_seconds_unless_the_url_sets_one(self) -> None:
        for query, expected in (("", 3), ("?connect_timeout=7", 7), ("?application_name=x", 3)):
            database = configuration(f"postgres://db.example.com/ticketing{query}", Path("unused"))["default"]

            assert database["OPTIONS"]["connect_timeout"] == expected

    def test_applies_to_the_embedded_server(self) -> None:
        assert settings.DATABASES["default"]["OPTIONS"]["connect_timeout"] == SECONDS

    @pytest.mark.slow
    def test_applies_to_django_and_to_the_worker(self, hanging: str) -> None:
        database = ConnectionHandler(configuration(hanging, Path("unused")))["default"]
        arguments = database.get_connection_params()
        # What `connector_params` leaves out.
        arguments.pop("cursor_factory"), arguments.pop("context")

        started_at = time.monotonic()
        with pytest.raises(OperationalError):
            database.ensure_connection()
        connected_at = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            asyncio.run(psycopg.AsyncConnection.connect(**arguments))

        for seconds in (connected_at - started_at, time.monotonic() - connected_at):
            assert SECONDS - 0.1 < seconds < SECONDS + SLACK

    @pytest.mark.slow
    def test_bounds_how_long_a_request_holds_its_thread(self, hanging: str) -> None:
        finished = subprocess.run(
            [sys.executable, "-c", REQUESTS],
            env=os.environ | {"DATABASE_URL": hanging, "DJANGO_SETTINGS_MODULE": "ticketing.settings"},
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        )

        answers = orjson.loads(finished.stdout)
        assert [(status, code) for status, code, _ in answers] == [(503, "busy")] * 2
        assert all(SECONDS - 0.1 < seconds < SECONDS + SLACK for *_, seconds in answers)


class TestMemory:
    def test_loads_the_embedded_server_only_without_a_url(self) -> None:
        """It takes 1.5 MB in each process."""
        code = (
            "import pathlib, sys; from kit.db.configuration import configuration;"
            "configuration('postgres://unused/unused', pathlib.Path()); sys.exit('kit.db.embedded' in sys.modules)"
        )

        assert subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR).returncode == 0
