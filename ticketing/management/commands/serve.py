"""`manage.py serve`: everything that Ticketing runs, from one command, until it is stopped.

Each part is a child process in `Command.children`; whatever ends this command ends them all.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from kit.db import configuration

SECONDS_TO_START = 60
SECONDS_TO_STOP = 10
# A worker that ended sooner would only do so again.
SECONDS_A_WORKER_LIVES = 10
DEMO_TICKETS = 300


class Stopped(BaseException):
    """Somebody pressed Ctrl-C or sent SIGTERM. No `Exception`, so that nothing on the way takes it for a failure."""


class Command(BaseCommand):
    help = "Migrates the database, serves the site and does its jobs until Ctrl-C or SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="Web server processes.")
        parser.add_argument("--demo", action="store_true", help="Fill an empty database with demo data first.")

    def handle(self, *, host: str, port: int, workers: int, demo: bool, **options: Any) -> None:
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        try:
            signal.signal(signal.SIGINT, stop)
            signal.signal(signal.SIGTERM, stop)
            refuse_a_taken_port(host, port)
            self.prepare_database(demo=demo)
            self.start_child("web server", web_server(host, port, workers))
            self.wait_until_healthy(host, port)
            self.start_worker()
            self.say(banner(host, port, demo=demo))
            while True:
                self.check_children()
                time.sleep(0.5)
        except Stopped:
            self.say("Stopping.")
        finally:
            ignore_signals()
            self.stop_children()

    def say(self, text: str) -> None:
        self.stdout.write(text)
        # At once, where the output is a file or a pipe as well.
        self.stdout.flush()

    def prepare_database(self, *, demo: bool) -> None:
        executor = MigrationExecutor(connection)
        steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if steps:
            self.say(f"Preparing the database ({len(steps)} migrations) …")
            call_command("migrate", verbosity=0, interactive=False)
        if demo and not apps.get_model("tickets", "Ticket").objects.exists():
            self.say(f"Loading the demo ({DEMO_TICKETS} tickets) …")
            call_command("demo", tickets=DEMO_TICKETS)
        # From here on this process only watches.
        connections.close_all()

    def start_child(self, name: str, command: list[str]) -> None:
        self.children[name] = subprocess.Popen(
            command,
            env={**os.environ, "DATABASE_URL": configuration.connection_url(settings.DATABASES["default"])},
            # Ctrl-C reaches this process alone, which then stops its children in good order.
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )

    def start_worker(self) -> None:
        self.start_child("worker", [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"])
        self.worker_started_at = time.monotonic()

    def check_children(self) -> None:
        """Put another worker in the place of one that was killed: the site goes on without, and so must its mail."""
        for name, child in self.children.items():
            if child.poll() is None:
                continue
            ended = f"The {name} ended by itself (exit status {child.returncode})"
            if name != "worker" or time.monotonic() - self.worker_started_at < SECONDS_A_WORKER_LIVES:
                raise CommandError(f"{ended}; see above.")
            self.say(f"{ended}; starting another.")
            self.start_worker()

    def wait_until_healthy(self, host: str, port: int) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        answer = "no answer"
        while time.monotonic() < deadline:
            self.check_children()
            try:
                answer = health(host, port)
            except OSError as error:
                answer = str(error)
            if answer == "200":
                return
            time.sleep(0.1)
        raise CommandError(f"GET /healthz gave {answer} instead of 200 for {SECONDS_TO_START} seconds.")

    def stop_children(self) -> None:
        for child in self.children.values():
            child.terminate()
        deadline = time.monotonic() + SECONDS_TO_STOP
        for child in self.children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(deadline - time.monotonic(), 0))
            # It leads a process group: what it started and did not take along.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def stop(number: int, frame: object) -> None:
    ignore_signals()
    raise Stopped


def ignore_signals() -> None:
    """The second signal of an impatient person, or of a terminal, must not leave half of it running."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def end_with_parent() -> Callable[[], object] | None:
    """Say what a child must call to be terminated even when this process is killed outright. Linux only."""
    if sys.platform != "linux":
        return None
    prctl, set_parent_death_signal = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(set_parent_death_signal, signal.SIGTERM)


def web_server(host: str, port: int, workers: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", "2", "--respawn-failed-workers"),
        *("--no-access-log", "--log-level", "warning", "ticketing.wsgi:application"),
    ]


def refuse_a_taken_port(host: str, port: int) -> None:
    """Ask before the web server does: it shares its port among its workers, and so with any other copy of itself."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        raise CommandError(f"Cannot listen on {host} port {port}: {error}. Choose another, as in PORT=8001.") from error


def health(host: str, port: int) -> str:
    """Return the status of GET /healthz, asked of this very machine by a name that it answers to."""
    named = [name for name in settings.ALLOWED_HOSTS if not name.startswith(("*", "."))]
    web = HTTPConnection(reachable(host), port, timeout=5)
    try:
        web.request("GET", "/healthz", headers={"Host": (named or [f"{host}:{port}"])[0]})
        return str(web.getresponse().status)
    finally:
        web.close()


def reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def banner(host: str, port: int, *, demo: bool) -> str:
    name = reachable(host)
    address = f"http://{f'[{name}]' if ':' in name else name}:{port}"
    lines = ["", f"Ticketing is running at {address}", f"  API docs  {address}/docs", f"  Admin     {address}/admin/"]
    if demo:
        from demo.people import SIGN_INS

        lines += ["", "Sign in as"]
        lines += [f"  {role:<9} {email:<24} {password}" for role, email, password in SIGN_INS]
    return "\n".join([*lines, "", "Ctrl-C stops everything; the data stays in var/.", ""])
