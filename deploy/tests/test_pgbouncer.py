"""Ticketing behind PgBouncer in transaction mode, with deploy/pgbouncer.ini."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client as Browser

from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from deploy.cluster.services import fill_in
from deploy.tests.conftest import ROOT
from deploy.tests.servers import running
from events.models import Booking, Event
from events.tests.factories import make_event
from kit.db.configuration import SESSION, connection_url
from kit.jobs import defer
from kit.tests.ports import free_port
from notifications.tests.smtp import MailServer, wait_until
from projects.tests.psql import psql
from ticketing.tests.server import Answer, Client, served
from tickets.models import Ticket, TicketEvent
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

# Fewer than the threads that use them, so that all of them get each other's.
POOL_SIZE = 2
CAPACITY, BUYERS = 20, 32
ROUNDS = 12


@contextmanager
def pgbouncer(folder: Path, ignored: str = "extra_float_digits") -> Iterator[str]:
    """Run PgBouncer in front of the test database, and yield its URL."""
    database, port = connection.settings_dict, free_port()
    password = f" password={database['PASSWORD']}" if database["PASSWORD"] else ""
    server = f"host={database['HOST']} port={database['PORT'] or 5432} dbname={database['NAME']}"
    text = fill_in(
        "pgbouncer.ini",
        {
            "host=db.example.com port=5432 dbname=ticketing": f"{server} user={database['USER']}{password}",
            "listen_port = 6432": f"listen_port = {port}\nunix_socket_dir =\n"
            + ("user = nobody" * (os.geteuid() == 0)),
            "auth_type = scram-sha-256\nauth_file = /etc/pgbouncer/userlist.txt": "auth_type = any",
            "ignore_startup_parameters = extra_float_digits": f"ignore_startup_parameters = {ignored}",
            "default_pool_size = 16": f"default_pool_size = {POOL_SIZE}",
        },
    )
    (folder / "pgbouncer.ini").write_text(text)
    command = [str(shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"), "-q", str(folder / "pgbouncer.ini")]
    with running(command, port):
        yield f"postgres://{database['USER']}@127.0.0.1:{port}/ticketing"


@pytest.fixture
def pooler(tmp_path: Path, transactional_db: None) -> Iterator[str]:
    with pgbouncer(tmp_path) as url:
        yield url


def variables(url: str) -> dict[str, str]:
    return {"DATABASE_URL": url, "DATABASE_POOLER": "on"}


def manage(url: str, *arguments: str, **more: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "LOG_LEVEL": "ERROR", **variables(url), **more}
    return subprocess.Popen([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment)


class TestConfiguration:
    def test_sets_what_each_session_needs(self) -> None:
        parser = configparser.ConfigParser(interpolation=None, comment_prefixes=(";",))
        parser.read(ROOT / "deploy" / "pgbouncer.ini")
        query = parser["databases"]["ticketing"].partition("connect_query=")[2]

        assert dict(re.findall(r"SET (\S+) = ''(.*?)''", query)) == SESSION
        assert parser["pgbouncer"]["pool_mode"] == "transaction"

    def test_has_them_in_each_session(self, pooler: str) -> None:
        with psycopg.connect(pooler) as session:
            found = {name: session.execute("SELECT current_setting(%s)", [name]).fetchone() for name in SESSION}

        assert found == {name: (value,) for name, value in SESSION.items()}

    def test_refuses_processes_that_do_not_know_of_the_pooler(self, pooler: str) -> None:
        with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
            psycopg.connect(pooler, options="-c lock_timeout=3s")

        process = manage(pooler, "check", "--database", "default", DATABASE_POOLER="off")
        assert process.wait(60) != 0


class Caller:
    """A user's client, with a connection of its own."""

    def __init__(self, port: int, user: User) -> None:
        self.user = user
        self.token = tokens.issue(user).access
        self.port = port

    def ask(self, line: str, body: Any = None, **headers: str) -> Answer:
        content = orjson.dumps(body) if body is not None else b""
        with Client(self.port) as client:
            answer = client.request(line, content, authorization=f"Bearer {self.token}", **headers)
        assert answer.status < 500, (line, answer.body)
        return answer


class TestMixedRequests:
    def test_neither_fail_nor_leak_anything_from_one_session_to_another(self, pooler: str, admin: User) -> None:
        """Bookings, retries, batches, exports, admin pages, a command and psql, over two connections to PostgreSQL."""
        event = make_event(admin, capacity=CAPACITY)
        Event.objects.filter(pk=event.pk).update(status="published")
        users = [make_user(f"User {number}", email=f"user.{number}@example.com") for number in range(6)]
        agent = make_user("Agnes Agent", type=UserType.AGENT)
        own = {user.pk: make_ticket(user, title=f"Of {user.pk}") for user in [*users, agent]}
        of_command, of_psql = make_ticket(admin, title="Of a command"), make_ticket(admin, title="Of psql")
        browser = Browser()
        browser.force_login(admin)
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        code = (
            "from tickets.models import Ticket\n"
            f"for number in range({ROUNDS * 4}):\n"
            f"    Ticket.objects.filter(pk={of_command.pk}).update(title=f'Command {{number}}')\n"
        )

        with ExitStack() as stack:
            port = stack.enter_context(served(workers=2, **variables(pooler)))
            callers = [Caller(port, user) for user in users]
            buyers = [Caller(port, make_user(f"Buyer {number}")) for number in range(BUYERS)]

            def change(caller: Caller) -> None:
                for number in range(ROUNDS):
                    answer = caller.ask(f"PATCH /tickets/{own[caller.user.pk].pk}", {"title": f"Change {number}"})
                    assert answer.status == 200, answer.body

            def batch(caller: Caller) -> None:
                for number in range(ROUNDS // 3):
                    items = [{"title": f"Batch {number}", "description": "Made with others"}, {"title": "Two more"}]
                    answer = caller.ask("POST /tickets/batch", {"items": items})
                    assert answer.status == 200, answer.body

            def book(buyer: Caller) -> int:
                line, body = f"POST /events/{event.pk}/bookings", {"quantity": 1, "joinWaitlist": True}
                first = buyer.ask(line, body, idempotency_key="once")
                again = buyer.ask(line, body, idempotency_key="once")
                assert (first.status, first.body) == (again.status, again.body)
                assert again.headers["idempotent-replayed"] == "true"
                return int(orjson.loads(first.body)["id"])

            def export(caller: Caller) -> None:
                for path in ("/tickets/export", "/bookings/export", "/tickets?search=change", "/events"):
                    answer = caller.ask(f"GET {path}")
                    assert answer.status in (200, 429), answer.body

            def administer() -> None:
                for path in ("/admin/", "/admin/tickets/ticket/", f"/admin/tickets/ticket/{of_psql.pk}/change/") * 2:
                    with Client(port) as client:
                        answer = client.request(f"GET {path}", cookie=f"{settings.SESSION_COOKIE_NAME}={session}")
                    assert answer.status == 200, (path, answer.body)

            def from_psql() -> None:
                for number in range(ROUNDS):
                    with psycopg.connect(pooler, autocommit=True, prepare_threshold=None) as client:
                        for part in range(4):
                            title = f"psql {number}.{part}"
                            client.execute("UPDATE tickets_ticket SET title = %s WHERE id = %s", [title, of_psql.pk])

            command = manage(pooler, "shell", "-v", "0", "-c", code)
            stack.callback(command.wait)
            stack.callback(command.kill)
            with ThreadPoolExecutor(16) as pool:
                bookings = [pool.submit(book, buyer) for buyer in buyers]
                others = [pool.submit(change, caller) for caller in callers]
                others += [pool.submit(call, Caller(port, agent)) for call in (change, batch, export)]
                others += [pool.submit(call) for call in (administer, from_psql)]
                ids = [future.result() for future in bookings]
                for future in others:
                    future.result()
            assert command.wait(60) == 0
            leaks = left_behind(pooler)

        booked = Booking.objects.filter(event=event)
        assert sorted(booked.values_list("pk", flat=True)) == sorted(ids)
        assert Counter(booked.values_list("status", flat=True))["confirmed"] == CAPACITY
        for ticket in own.values():
            assert doors(ticket) == {("api", ticket.created_by_id)}
        assert doors(of_command) == {("command", None)}
        assert doors(of_psql) == {(None, None)}
        assert not leaks


def doors(ticket: Ticket) -> set[tuple[str | None, int | None]]:
    """Return how, and by whom, the ticket was changed."""
    changes = TicketEvent.objects.filter(pgh_obj_id=ticket.pk, pgh_label="update").values_list("pgh_context", flat=True)
    assert changes
    return {((context or {}).get("door"), (context or {}).get("user")) for context in changes}


def left_behind(url: str) -> list[Any]:
    """Return what the pool's sessions have that no transaction should find."""
    found = []
    with ExitStack() as stack:
        # Open transactions, so each has a connection to PostgreSQL of its own.
        for _ in range(POOL_SIZE):
            session = stack.enter_context(psycopg.connect(url, prepare_threshold=None))
            state = session.execute(
                "SELECT coalesce(current_setting('pghistory.context_metadata', true), ''),"
                " coalesce(current_setting('ticketing.quiet', true), ''), current_setting('pgtrigger.ignore'),"
                " (SELECT count(*) FROM pg_listening_channels()), (SELECT count(*) FROM pg_prepared_statements),"
                " (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory')"
            ).fetchone()
            if state != ("", "", "{}", 0, 0, 0):
                found.append(state)
    return found


class TestWorker:
    @pytest.fixture
    def start(self, pooler: str) -> Iterator[Callable[..., MailServer]]:
        with ExitStack() as stack:

            def start(**more: str) -> MailServer:
                mail = MailServer()
                mail.start()
                stack.callback(mail.stop)
                worker = manage(pooler, "worker", EMAIL_URL=f"smtp://127.0.0.1:{mail.port}", **more)
                stack.callback(worker.wait)
                stack.callback(worker.kill)
                wait_until(lambda: bool(psql("SELECT 1 FROM procrastinate_workers")), seconds=30)
                return mail

            yield start

    def test_polls_without_a_connection_of_its_own(self, start: Callable[..., MailServer], owner: User) -> None:
        mail = start()
        assert seconds_until_mailed(mail, owner) < 20
        assert not listeners()

    def test_listens_past_the_pooler(self, start: Callable[..., MailServer], owner: User) -> None:
        mail = start(WORKER_DATABASE_URL=connection_url(connection.settings_dict))
        assert seconds_until_mailed(mail, owner) < 20
        # For jobs, for mail and for webhooks.
        assert len(listeners()) == 3


def seconds_until_mailed(mail: MailServer, user: User) -> float:
    """Queue a job that mails the user, and return how long that took. The worker runs the job, then sends the mail."""
    began = time.monotonic()
    defer("notifications.tasks.mail_set_password", user_id=user.pk)
    wait_until(lambda: bool(mail.of(user.email)), seconds=30)
    return time.monotonic() - began


def listeners() -> list[Any]:
    """Return the connections that listen, which have done nothing since."""
    return psql("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%%'")


class TestDoctor:
    def report(self, pooler: str, **more: str) -> str:
        """Return what `manage.py doctor` says about how workers listen."""
        command = [sys.executable, "manage.py", "doctor"]
        environment = {**os.environ, "LOG_LEVEL": "ERROR", **variables(pooler), **more}
        run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        (line,) = [line for line in run.stdout.splitlines() if " listening: " in line]
        return line

    def test_sends_a_notification_past_the_pooler(self, pooler: str) -> None:
        assert self.report(pooler).startswith("✓ listening: Workers look for jobs and mail every few seconds")
        direct = connection_url(connection.settings_dict)
        for is_pooled in ("on", "off"):
            url = pooler if is_pooled == "on" else direct
            found = self.report(url, DATABASE_POOLER=is_pooled, WORKER_DATABASE_URL=direct)
            assert found == "✓ listening: Notifications reach WORKER_DATABASE_URL."

    def test_notices_that_workers_would_listen_elsewhere(self, pooler: str, tmp_path: Path) -> None:
        """Through the pooler, with or without what it refuses, or in another database."""
        other = connection_url({**connection.settings_dict, "NAME": "postgres"})
        not_reached = "✗ listening: Notifications do not reach WORKER_DATABASE_URL."

        assert "unsupported startup parameter" in self.report(pooler, WORKER_DATABASE_URL=pooler)
        assert self.report(pooler, WORKER_DATABASE_URL=other) == not_reached
        with pgbouncer(tmp_path, ignored="options") as lenient:
            assert self.report(pooler, WORKER_DATABASE_URL=lenient) == not_reached
