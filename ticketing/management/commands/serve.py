"""`manage.py serve`: run the web server and the worker from one command, until it is stopped.

Each is a child process in `Command.children`. When this command ends, for whatever reason, they end too.
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
from django.db.migrations.loader import MigrationLoader

from kit.db import configuration

SECONDS_TO_START = 60
SECONDS_TO_STOP = 10
# A worker that ends this soon after its start is broken and is not restarted.
MIN_WORKER_SECONDS = 10
DEMO_TICKETS = 300


class Stopped(BaseException):
    """Ctrl-C or SIGTERM. Not an `Exception`, so that no `except Exception` on the way catches it."""


class Command(BaseCommand):
    help = "Migrate the database, then run the web server and the worker until Ctrl-C or SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="Web server processes.")
        parser.add_argument("--demo", action="store_true", help="Fill an empty database with demo data first.")

    def handle(self, *, host: str, port: int, workers: int, demo: bool, **options: Any) -> None:
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        # Where the children's mail links to, unless SITE_URL says otherwise.
        self.address = address(host, port)
        try:
            signal.signal(signal.SIGINT, stop)
            signal.signal(signal.SIGTERM, stop)
            check_port(host, port)
            self.prepare_database(demo=demo)
            self.start_child("web server", web_server(host, port, workers))
            self.wait_until_healthy(host, port)
            self.start_worker()
            self.say(banner(self.address, demo=demo))
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
        # Files and pipes are buffered.
        self.stdout.flush()

    def prepare_database(self, *, demo: bool) -> None:
        executor = MigrationExecutor(connection)
        check_origin(executor.loader)
        steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if steps:
            self.say(f"Preparing the database ({len(steps)} migrations) …")
            call_command("migrate", verbosity=0, interactive=False)
        if demo and not apps.get_model("tickets", "Ticket").objects.exists():
            self.say(f"Loading demo data ({DEMO_TICKETS} tickets) …")
            call_command("demo", tickets=DEMO_TICKETS)
        # From now on this process only watches its children.
        connections.close_all()

    def start_child(self, name: str, command: list[str]) -> None:
        self.children[name] = subprocess.Popen(
            command,
            env={
                **os.environ,
                "DATABASE_URL": configuration.connection_url(settings.DATABASES["default"]),
                "SITE_URL": os.environ.get("SITE_URL") or self.address,
            },
            # Ctrl-C then reaches only this process, which stops its children in order.
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )

    def start_worker(self) -> None:
        self.start_child("worker", [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"])
        self.worker_started_at = time.monotonic()

    def check_children(self) -> None:
        """Restart a worker that has ended; fail if it only just started or if the web server has ended."""
        for name, child in self.children.items():
            if child.poll() is None:
                continue
            ended = f"The {name} exited unexpectedly (status {child.returncode})"
            if name != "worker" or time.monotonic() - self.worker_started_at < MIN_WORKER_SECONDS:
                raise CommandError(f"{ended}. See the output above.")
            self.say(f"{ended}. Restarting it.")
            self.start_worker()

    def wait_until_healthy(self, host: str, port: int) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        answer = "no response"
        while time.monotonic() < deadline:
            self.check_children()
            try:
                answer = health(host, port)
            except OSError as error:
                answer = str(error)
            if answer == "200":
                return
            time.sleep(0.1)
        raise CommandError(f"GET /healthz did not return 200 within {SECONDS_TO_START} seconds; last result: {answer}.")

    def stop_children(self) -> None:
        for child in self.children.values():
            child.terminate()
        deadline = time.monotonic() + SECONDS_TO_STOP
        for child in self.children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(deadline - time.monotonic(), 0))
            # Each child leads a process group: kill what it started and left behind.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def stop(number: int, frame: object) -> None:
    ignore_signals()
    raise Stopped


def ignore_signals() -> None:
    """Keep a second Ctrl-C from interrupting the shutdown and leaving children behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def end_with_parent() -> Callable[[], object] | None:
    """Return a function for the child to call, so that the kernel ends it when this process is killed. Linux only."""
    if sys.platform != "linux":
        return None
    prctl, set_parent_death_signal = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(set_parent_death_signal, signal.SIGTERM)


def web_server(host: str, port: int, workers: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "rsgi", "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--respawn-failed-workers", "--http", "1", "--no-ws"),
        *("--workers-kill-timeout", str(SECONDS_TO_STOP - 1)),
        *("--http1-header-read-timeout", str(settings.REQUEST_HEAD_SECONDS * 1000)),
        *("--no-access-log", "--log-level", "warning", "ticketing.rsgi:application"),
    ]


def check_origin(loader: MigrationLoader) -> None:
    """Check that this version has all of our migrations that were applied to the database.

    :raises CommandError: one of them is not on disk, because migrations were squashed before the first release.
    """
    labels = {apps.get_app_config(name.rpartition(".")[2]).label for name in settings.PROJECT_APPS}
    unknown = sorted(key for key in loader.applied_migrations if key[0] in labels and key not in loader.disk_migrations)
    if not unknown:
        return
    remedy = "set DATABASE_URL to an empty database" if os.environ.get("DATABASE_URL") else "remove or rename var/"
    raise CommandError(
        f"This database was created by another version of Ticketing (migration {'.'.join(unknown[0])} is unknown here) "
        f"and cannot be upgraded: {remedy} and start again."
    )


def check_port(host: str, port: int) -> None:
    """Check that the port is free. The web server would not notice: its workers share the port, even across instances.

    :raises CommandError: the port is in use or cannot be opened.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        raise CommandError(f"Cannot listen on {host} port {port}: {error}. Try another, such as PORT=8001.") from error


def health(host: str, port: int) -> str:
    """Return the status of GET /healthz on this machine. The request names an allowed host."""
    allowed = [name for name in settings.ALLOWED_HOSTS if not name.startswith(("*", "."))]
    web = HTTPConnection(reachable(host), port, timeout=5)
    try:
        web.request("GET", "/healthz", headers={"Host": (allowed or [f"{host}:{port}"])[0]})
        return str(web.getresponse().status)
    finally:
        web.close()


def reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def address(host: str, port: int) -> str:
    """Return the URL of this server for someone on this machine."""
    name = reachable(host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


def banner(url: str, *, demo: bool) -> str:
    lines = ["", f"Ticketing is running at {url}", f"  API docs  {url}/docs", f"  Admin     {url}/admin/"]
    if demo:
        from demo.people import SIGN_INS

        lines += ["", "Sign in as"]
        lines += [f"  {role:<9} {email:<24} {password}" for role, email, password in SIGN_INS]
    return "\n".join([*lines, "", "Press Ctrl-C to stop. Data is kept in var/.", ""])
