"""The site under test: its own database, the web server as `serve` starts it, customers and events."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import django

from kit.db import configuration

HOST, PORT = "127.0.0.1", 8765
ROOT = Path(__file__).resolve().parent.parent
CUSTOMERS = 16_000
LOG = ROOT / "var" / "bench.log"

# The settings read these when Django is set up below.
os.environ.update(DEMO="on", RATE_LIMITS="off", DJANGO_SETTINGS_MODULE="ticketing.settings")
os.environ["DATABASE_URL"] = os.environ.get("BENCH_DATABASE_URL") or configuration.connection_url(
    configuration.configuration("", ROOT / "var" / "postgres-bench")["default"]
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework_simplejwt.settings import api_settings  # noqa: E402
from rest_framework_simplejwt.tokens import AccessToken  # noqa: E402

from accounts.models import User, UserType  # noqa: E402
from events import services  # noqa: E402
from events.models import Event  # noqa: E402
from ticketing.management.commands.serve import health, web_server  # noqa: E402


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
        email="bench-admin@example.com", defaults={"name": "Bench Admin", "type": UserType.ADMIN, "password": "!"}
    )
    return user


def token(user: User) -> str:
    """Return an access token like that of a sign-in, without a refresh token, which would write to the database."""
    access = AccessToken()
    access[api_settings.USER_ID_CLAIM] = str(user.pk)
    access[api_settings.REVOKE_TOKEN_CLAIM] = user.get_session_auth_hash()
    return str(access)


def event(*, capacity: int) -> Event:
    at = timezone.now()
    return services.create(
        by=admin(), at=at, capacity=capacity, name="Benchmark", starts_at=at + timedelta(days=1), price=10
    )


@contextmanager
def served(workers: int) -> Iterator[None]:
    """Run the web server with `workers` processes until the end of the block. Its output goes to LOG."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w") as log:
        server = subprocess.Popen(web_server(HOST, PORT, workers), cwd=ROOT, stdout=log, stderr=log)
    try:
        for _ in range(300):
            if server.poll() is not None:
                raise SystemExit(f"The web server did not start; see {LOG}.")
            with suppress(OSError):
                if health(HOST, PORT) == "200":
                    break
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(20)


def flush() -> None:
    """Flush the writes of the previous run, so that all runs start alike."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
