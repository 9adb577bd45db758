"""What holds when whole processes book at once, one of them is killed, or PostgreSQL itself is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from events import services
from events.models import Booking, Event
from events.tests.books import faults
from events.tests.factories import make_event
from kit.db import configuration, embedded

pytestmark = pytest.mark.database

Process = subprocess.Popen[str]


@contextmanager
def process(*arguments: object, url: str) -> Iterator[Process]:
    """A Python of its own that works on that database; killed in the end, if it has not ended."""
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "ticketing.settings", "DATABASE_URL": url, "LOG_LEVEL": "CRITICAL"},
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def storm(event_id: int, *, processes: int, clients: int, url: str) -> Iterator[list[Process]]:
    """Processes of so many clients each, all let loose at the same moment."""
    with ExitStack() as stack:
        arguments = ("-m", "events.tests.storm", event_id, clients)
        running = [stack.enter_context(process(*arguments, seed, url=url)) for seed in range(processes)]
        assert [line_of(one) for one in running] == ["ready"] * processes
        for one in running:
            assert one.stdin
            one.stdin.write("go\n")
            one.stdin.flush()
        yield running


def line_of(running: Process) -> str:
    assert running.stdout
    return running.stdout.readline().strip()


def answers(running: Process) -> list[list[str]]:
    """What its clients were answered since it was last read from, by words, to its end."""
    said, complaints = running.communicate(timeout=60)
    assert not complaints
    # A killed process may leave half a line.
    return [line.split() for line in said.splitlines(keepends=True) if line.endswith("\n")]


def check_answered(said: list[list[str]], rows: dict[int, tuple[str, int]]) -> None:
    """Every booking that was answered is there as it was answered, or as what it may have become since."""
    become = {"confirmed": {"confirmed", "cancelled"}, "waiting": {"waiting", "confirmed", "cancelled"}}
    for word, number, *more in said:
        status, quantity = rows[int(number)]
        if word == "cancelled":
            assert status == "cancelled"
        else:
            assert (status in become[more[0]], str(quantity)) == (True, more[1])


def rows_of(event: Event) -> dict[int, tuple[str, int]]:
    return {pk: (status, quantity) for pk, status, quantity in event.bookings.values_list("pk", "status", "quantity")}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestStorm:
    URL = property(lambda self: configuration.connection_url(connection.settings_dict))

    @pytest.fixture
    def event(self, admin: User) -> Event:
        return make_event(admin, capacity=30)

    def test_of_two_hundred_clients_fills_fifty_seats_in_order_twenty_of_which_come_later(self, event: Event) -> None:
        with storm(event.pk, processes=4, clients=50, url=self.URL) as running:
            said = [line_of(running[0]).split() for _ in range(20)]
            services.update(event_id=event.pk, by=event.created_by, at=timezone.now(), capacity=50)
            said += [line for one in running for line in answers(one)]

        assert sum(word == "booked" for word, *_ in said) == 200
        check_answered(said, rows_of(event))
        # As many seats are taken as the queue's head leaves.
        head = Booking.objects.queue().first()
        event.inventory.refresh_from_db()
        assert head
        assert event.inventory.available < head.left
        assert faults() == []

    def test_goes_on_when_one_is_killed(self, event: Event) -> None:
        with storm(event.pk, processes=3, clients=60, url=self.URL) as (killed, *others):
            said = [line_of(killed).split() for _ in range(20)]
            killed.kill()
            said += answers(killed)
            for other in others:
                said += answers(other)

        assert killed.returncode == -9
        assert sum(word == "booked" for word, *_ in said) < 180
        assert event.bookings.count() < 180
        check_answered(said, rows_of(event))
        assert faults() == []


class TestPostgresStoppedAtOnce:
    """A server of its own, as careful as in production."""

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[embedded._Server]:
        server = embedded._Server(tmp_path, durable=True)
        server.start()
        yield server
        server.stop()

    def test_loses_nothing_that_was_answered(self, server: embedded._Server) -> None:
        place = {"HOST": server.socket, "PORT": embedded.PORT, "NAME": embedded.NAME, "USER": "postgres"}
        url = configuration.connection_url(place | {"PASSWORD": "", "OPTIONS": {}})
        with process("manage.py", "migrate", "--verbosity=0", url=url) as migration:
            answers(migration)
        with psycopg.connect(url, autocommit=True) as psql:
            event_id = self.make_event(psql)

        with storm(event_id, processes=2, clients=2_000, url=url) as running:
            said = [line_of(one).split() for _ in range(60) for one in running]
            server._run("pg_ctl", "stop", f"--pgdata={server.data}", "--mode=immediate")
            for one in running:
                said += answers(one)
        server.start()

        assert ["lost"] in said
        with psycopg.connect(url) as psql:
            rows = {
                pk: (status, quantity)
                for pk, status, quantity in psql.execute("SELECT id, status, quantity FROM events_booking")
            }
        check_answered([line for line in said if line != ["lost"]], rows)
        with process("manage.py", "check_bookings", url=url) as check:
            assert answers(check)[0][-2:] == ["No", "faults."]
        assert check.returncode == 0

    def make_event(self, psql: "psycopg.Connection[tuple[int]]") -> int:
        (admin,) = psql.execute(
            "INSERT INTO accounts_user"
            " (name, email, password, type, is_active, is_superuser, deactivations, created_at)"
            " VALUES ('Ada Admin', 'ada@example.com', '', 'admin', true, false, 0, now()) RETURNING id"
        ).fetchone() or (0,)
        (event,) = psql.execute(
            "INSERT INTO events_event"
            " (name, description, venue, starts_at, price, status, origin, created_by_id, created_at, updated_at)"
            " VALUES ('Jazz', '', '', now(), 25, 'published', 'api', %s, now(), now()) RETURNING id",
            [admin],
        ).fetchone() or (0,)
        psql.execute(
            "INSERT INTO events_inventory"
            " (event_id, capacity, withheld, confirmed, waiting, last_queue_number, version)"
            " VALUES (%s, 50, 0, 0, 0, 0, 1)",
            [event],
        )
        return event
