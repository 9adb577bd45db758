"""`manage.py serve`: prepare the database, then run the web server and the worker until stopped (supervisor.py)."""

import os
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from kit.db import configuration
from ticketing import supervisor
from ticketing.supervisor import reachable

DEMO_TICKETS = 300


class Command(BaseCommand):
    help = "Migrate the database, then run the web server and the worker until Ctrl-C or SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="Web server processes.")
        parser.add_argument("--demo", action="store_true", help="Fill an empty database with demo data first.")

    def handle(self, *, host: str, port: int, workers: int, demo: bool, **options: Any) -> None:
        supervisor.handle_signals()
        try:
            check_port(host, port)
            self.prepare_database(demo=demo)
        except supervisor.Stopped:
            self.say("Stopping.")
            return
        url = address(host, port)
        plan = supervisor.Plan(
            web_server=web_server(host, port, workers),
            worker=[sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"],
            host=host,
            port=port,
            allowed_host=allowed_host(host, port),
            banner=banner(url, demo=demo),
            cluster=None if os.environ.get("DATABASE_URL") else str(settings.CLUSTER),
            durable=not settings.TESTING,
        )
        environment = {
            **os.environ,
            "DATABASE_URL": configuration.connection_url(settings.DATABASES["default"]),
            # Where mail links to.
            "SITE_URL": os.environ.get("SITE_URL") or url,
        }
        supervisor.replace_process(plan, environment)

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
        connections.close_all()


def web_server(host: str, port: int, workers: int) -> list[str]:
    return [sys.executable, "-m", "ticketing.web", "--host", host, "--port", str(port), "--workers", str(workers)]


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
    """Return the status of GET /healthz on this machine."""
    return supervisor.health(host, port, allowed_host(host, port))


def allowed_host(host: str, port: int) -> str:
    """Return a name under which the web server answers."""
    allowed = [name for name in settings.ALLOWED_HOSTS if not name.startswith(("*", "."))]
    return (allowed or [f"{host}:{port}"])[0]


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
