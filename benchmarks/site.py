"""The site that is measured: a database of its own, the web server as `serve` starts it, people and events."""

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
PEOPLE = 16_000

# Read by the settings when they are first asked, which is below.
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
    """Migrate the database and return PEOPLE customers, whose ids follow each other."""
    call_command("migrate", verbosity=0)
    if not User.objects.exists():
        User.objects.bulk_create(
            User(name=f"Customer {number}", email=f"customer-{number}@example.com", password="!")
            for number in range(PEOPLE)
        )
    return list(User.objects.filter(type=UserType.CUSTOMER).order_by("id")[:PEOPLE])


def admin() -> User:
    found, _ = User.objects.get_or_create(
        email="bench-admin@example.com", defaults={"name": "Bench Admin", "type": UserType.ADMIN, "password": "!"}
    )
    return found


def token(user: User) -> str:
    """An access token as a sign-in gives it, without the refresh token, which writes to the database."""
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
    """Run the web server, so many processes, until the end of the block."""
    server = subprocess.Popen(web_server(HOST, PORT, workers), cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            if server.poll() is not None:
                raise SystemExit("The web server does not start.")
            with suppress(OSError):
                if health(HOST, PORT) == "200":
                    break
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(20)


def settle() -> None:
    """Begin each round alike: nothing of the last one left to be written or cleaned up."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
