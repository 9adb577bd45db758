"""The site under test: its own database, the web server as `serve` starts it, customers and events.

The database is an embedded one in var/, or an empty one at BENCH_DATABASE_URL, which needs a superuser.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import django

from kit.db import configuration
from kit.tests.ports import free_port

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent
CUSTOMERS = 16_000
ADMIN = "bench-admin@example.com"
SECONDS_TO_START, SECONDS_TO_STOP = 60, 20


# A fixed port might be another copy's: the web server would share it. Processes that a benchmark starts inherit ours.
PORT = int(os.environ.setdefault("BENCH_PORT", str(free_port())))

# The settings read these when Django is set up below.
os.environ.update(DEMO="on", RATE_LIMITS="off", DJANGO_SETTINGS_MODULE="ticketing.settings")
os.environ["DATABASE_URL"] = os.environ.get("BENCH_DATABASE_URL") or configuration.connection_url(
    configuration.configuration("", ROOT / "var" / os.environ.get("BENCH_CLUSTER", "postgres-bench"))["default"]
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework_simplejwt.settings import api_settings  # noqa: E402
from rest_framework_simplejwt.tokens import AccessToken  # noqa: E402

from accounts.models import User, UserType  # noqa: E402
from accounts.tokens import FAMILY  # noqa: E402
from events import services  # noqa: E402
from events.models import Event  # noqa: E402
from ticketing.management.commands.serve import web_server  # noqa: E402
from ticketing.supervisor import end_with_parent  # noqa: E402


def prepare() -> list[User]:
    """Migrate the database and return CUSTOMERS customers with consecutive ids, creating them on the first run."""
    call_command("migrate", verbosity=0)
    if not User.objects.exists():
        User.objects.bulk_create(
            User(name=f"Customer {number}", email=f"customer-{number}@example.com", password="!")
            for number in range(CUSTOMERS)
        )
    return list(User.objects.filter(type=UserType.CUSTOMER).order_by("id")[:CUSTOMERS])


def admin() -> User:
    user, _ = User.objects.get_or_create(
        email=ADMIN, defaults={"name": "Bench Admin", "type": UserType.ADMIN, "password": "!"}
    )
    return user


def token(user: User) -> str:
    """Return an access token like that of a sign-in, without a refresh token, which would write to the database."""
    access = AccessToken()
    access[api_settings.USER_ID_CLAIM] = str(user.pk)
    access[api_settings.REVOKE_TOKEN_CLAIM] = user.get_session_auth_hash()
    access[FAMILY] = access[api_settings.JTI_CLAIM]
    return str(access)


def event(*, capacity: int) -> Event:
    at = timezone.now()
    return services.create(
        by=admin(), at=at, capacity=capacity, name="Benchmark", starts_at=at + timedelta(days=1), price=10
    )


@dataclass(frozen=True)
class Server:
    """A running web server: its port on HOST, and its main process."""

    port: int
    process: int


@contextmanager
def served(workers: int) -> Iterator[Server]:
    """Run the web server with `workers` processes until the end of the block."""
    with running(web_server(HOST, PORT, workers), "bench.log", PORT, cwd=ROOT) as process:
        yield Server(PORT, process)


@contextmanager
def running(
    command: list[str], log_name: str, port: int, *, cwd: Path, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run a web server until the end of the block. Yields its process id once it is healthy; its output is in var/."""
    path = ROOT / "var" / log_name
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as log:
        server = subprocess.Popen(command, cwd=cwd, env=env, stdout=log, stderr=log, preexec_fn=end_with_parent())
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not is_healthy(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The web server did not start; see {path}.")
            time.sleep(0.1)
        yield server.pid
    finally:
        server.terminate()
        server.wait(SECONDS_TO_STOP)


def is_healthy(port: int) -> bool:
    web = HTTPConnection(HOST, port, timeout=5)
    with suppress(OSError, HTTPException):
        web.request("GET", "/healthz")
        return web.getresponse().status == 200
    return False
