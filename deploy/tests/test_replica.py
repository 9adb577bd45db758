"""Reads from a streaming replica (REPLICA_URL), with two PostgreSQL servers started for the tests."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from demo.people import SIGN_INS
from deploy.cluster.postgres import Postgres
from deploy.tests.conftest import ROOT, TOKEN
from ticketing.tests.server import Answer, Client, served

MAX_LAG = 1
# Beyond which a server gives up waiting for something to happen.
SECONDS = 60


@dataclass
class Site:
    """A web server with a primary and a replica, and the token of an admin and of a customer."""

    port: int
    primary: Postgres
    replica: Postgres
    admin: str = ""
    customer: str = ""

    def ask(self, line: str, body: Any = None, token: str = "", **headers: str) -> Answer:
        content = orjson.dumps(body) if body is not None else b""
        authorization = {"authorization": f"Bearer {token or self.admin}"}
        with Client(self.port) as client:
            return client.request(line, content, **authorization, **headers)

    def sign_in(self, role: str) -> str:
        email, password = next((person.email, person.password) for person in SIGN_INS if person.role == role)
        answer = self.ask("POST /auth/login", {"email": email, "password": password})
        assert answer.status == 200, answer.body
        token: str = orjson.loads(answer.body)["token"]
        return token

    def reads(self) -> dict[str, float]:
        """Return how many reads went where, by the metrics, and the gauges of the replica."""
        text = self.ask("GET /metrics", token=TOKEN).body.decode()
        found = dict(re.findall(r'^ticketing_replica_reads_total\{outcome="(.*?)"\} (.*)$', text, re.M))
        gauges = dict(re.findall(r"^ticketing_(replica_\w+) (.*)$", text, re.M))
        return {name: float(value) for name, value in {**found, **gauges}.items()}

    def outcome(self, line: str, token: str = "") -> str:
        """Ask for something, and return where it was read."""
        before = self.reads()
        answer = self.ask(line, token=token)
        assert answer.status == 200, answer.body
        after = self.reads()
        (name,) = [name for name in after if "_" not in name and after[name] > before.get(name, 0)]
        return name

    def wait_for(self, outcome: str, line: str = "GET /tickets") -> None:
        deadline = time.monotonic() + SECONDS
        while (found := self.outcome(line)) != outcome:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Postgres]]:
    folder = Path(tempfile.mkdtemp(prefix="ticketing-replica-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        primary, replica = Postgres(folder / "primary"), Postgres(folder / "replica")
        stack.callback(primary.stop, "immediate")
        stack.callback(replica.stop, "immediate")
        primary.create(fsync="off")
        environment = {**os.environ, "DATABASE_URL": primary.url(), "LOG_LEVEL": "ERROR"}
        for command in (["migrate", "-v", "0"], ["demo", "--tickets", "50"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)
        replica.follow(primary)
        yield primary, replica


@pytest.fixture(scope="module")
def site(servers: tuple[Postgres, Postgres]) -> Iterator[Site]:
    primary, replica = servers
    variables = {
        "DATABASE_URL": primary.url(),
        "REPLICA_URL": replica.url(),
        "REPLICA_MAX_LAG_SECONDS": str(MAX_LAG),
        "METRICS_TOKEN": TOKEN,
    }
    with served(workers=1, **variables) as port:
        site = Site(port, primary, replica)
        site.admin, site.customer = site.sign_in("admin"), site.sign_in("customer")
        yield site


@pytest.fixture(autouse=True)
def streaming(servers: tuple[Postgres, Postgres]) -> Iterator[None]:
    yield
    primary, replica = servers
    replica.ask("SELECT pg_wal_replay_resume()")
    replica.wait_for(primary)


class TestReplica:
    @pytest.mark.parametrize(
        "path",
        [
            *("/tickets", "/tickets?search=the", "/tickets?ordering=title", "/labels", "/tickets/export"),
            *("/tickets/analytics", "/dashboard/analytics", "/events/analytics"),
            *("/events", "/bookings", "/bookings?search=a", "/bookings/export"),
        ],
    )
    def test_takes_what_only_shows(self, site: Site, path: str) -> None:
        site.wait_for("replica")

        assert site.outcome(f"GET {path}") == "replica"

    def test_is_what_is_read(self, site: Site) -> None:
        """Stop the replica where it is, and compare."""
        site.wait_for("replica")
        site.replica.ask("SELECT pg_wal_replay_pause()")
        site.primary.ask(
            "UPDATE tickets_ticket SET title = 'Changed by psql' WHERE id = (SELECT max(id) FROM tickets_ticket)"
        )

        # Within MAX_LAG.
        assert b"Changed by psql" not in site.ask("GET /tickets?ordering=-created_at&limit=1").body
        (number,) = site.primary.ask("SELECT max(id) FROM tickets_ticket")[0]
        assert b"Changed by psql" in site.ask(f"GET /tickets/{number}").body

    def test_never_shows_callers_less_than_their_own_changes(self, site: Site) -> None:
        site.wait_for("replica")
        site.replica.ask("SELECT pg_wal_replay_pause()")

        answer = site.ask("POST /ticket", {"title": "My own"}, token=site.customer)
        assert answer.status == 201, answer.body

        assert b"My own" in site.ask("GET /tickets", token=site.customer).body
        assert site.outcome("GET /tickets", token=site.customer) in ("own-change", "behind")

    def test_is_left_alone_while_it_is_behind(self, site: Site) -> None:
        site.wait_for("replica")
        site.replica.ask("SELECT pg_wal_replay_pause()")
        site.primary.ask("UPDATE tickets_ticket SET title = title")

        site.wait_for("behind")
        assert site.reads()["replica_lag_seconds"] > MAX_LAG
        site.replica.ask("SELECT pg_wal_replay_resume()")
        site.wait_for("replica")
        assert site.reads()["replica_lag_seconds"] < MAX_LAG

    def test_is_not_behind_while_nobody_writes(self, site: Site) -> None:
        site.wait_for("replica")
        time.sleep(MAX_LAG * 2)

        assert site.outcome("GET /tickets") == "replica"

    def test_is_not_missed_while_it_is_down(self, site: Site) -> None:
        site.wait_for("replica")
        site.replica.stop("immediate")
        try:
            assert site.outcome("GET /tickets") == "down"
            assert site.reads()["replica_up"] == 0
            assert site.ask("GET /tickets/export").status == 200
        finally:
            site.replica.start()
        site.wait_for("replica")
        assert site.reads()["replica_up"] == 1

    def test_decides_no_change(self, site: Site) -> None:
        """A ticket that the replica does not have yet can be changed."""
        site.wait_for("replica")
        site.replica.ask("SELECT pg_wal_replay_pause()")
        created = orjson.loads(site.ask("POST /ticket", {"title": "New"}, token=site.customer).body)

        assert site.ask(f"PATCH /tickets/{created['id']}", {"title": "Newer"}, token=site.admin).status == 200


class TestDoctor:
    def report(self, servers: tuple[Postgres, Postgres], **more: str) -> str:
        """Return what `manage.py doctor` says about the replica."""
        primary, replica = servers
        variables = {"DATABASE_URL": primary.url(), "REPLICA_URL": replica.url(), "REPLICA_MAX_LAG_SECONDS": "1"}
        command = [sys.executable, "manage.py", "doctor"]
        environment = {**os.environ, "LOG_LEVEL": "CRITICAL", **variables, **more}
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        (line,) = [line for line in run.stdout.splitlines() if " replica: " in line]
        return line

    def test_finds_no_fault_while_others_write(self, servers: tuple[Postgres, Postgres]) -> None:
        primary, _ = servers
        stopped = threading.Event()

        def write() -> None:
            while not stopped.is_set():
                primary.ask("UPDATE tickets_ticket SET title = title || '.' WHERE id < 9")

        with ThreadPoolExecutor(1) as pool:
            pool.submit(write)
            try:
                assert self.report(servers) == "✓ replica: It follows the primary within 1 seconds."
            finally:
                stopped.set()

    def test_notices_that_it_is_behind(self, servers: tuple[Postgres, Postgres]) -> None:
        primary, replica = servers
        replica.ask("SELECT pg_wal_replay_pause()")
        primary.ask("UPDATE tickets_ticket SET title = title || '.'")

        assert self.report(servers) == "✗ replica: It is more than 1 seconds behind."

    def test_notices_that_it_is_down(self, servers: tuple[Postgres, Postgres]) -> None:
        _, replica = servers
        replica.stop("immediate")
        try:
            assert self.report(servers).startswith("✗ replica: It does not answer: ")
        finally:
            replica.start()

    def test_notices_that_it_is_none(self, servers: tuple[Postgres, Postgres]) -> None:
        assert self.report(servers, REPLICA_URL=servers[0].url()) == "✗ replica: REPLICA_URL leads to a primary."
