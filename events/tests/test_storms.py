"""Bookings from several processes at once, while one of them or PostgreSQL itself is killed."""

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

from events import services
from events.models import Booking, Event
from events.tests.books import faults
from kit.db import configuration, embedded

pytestmark = pytest.mark.slow

Process = subprocess.Popen[str]


@contextmanager
def process(*arguments: object, url: str) -> Iterator[Process]:
    """Run Python in a process that uses the database at `url`, and kill it at the end."""
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
    """Run processes with `clients` clients each, all started at the same moment."""
    with ExitStack() as stack:
        arguments = ("-m", "events.tests.storm", event_id, clients)
        running = [stack.enter_context(process(*arguments, seed, url=url)) for seed in range(processes)]
        assert [next_line(one) for one in running] == ["ready"] * processes
        for one in running:
            assert one.stdin
            one.stdin.write("go\n")
            one.stdin.flush()
        yield running


def next_line(running: Process) -> str:
    assert running.stdout
    return running.stdout.readline().strip()


def remaining_lines(running: Process) -> list[list[str]]:
    """Return the remaining lines of its output, split into words."""
    reported, errors = running.communicate(timeout=300)
    assert not errors
    # A killed process may leave an incomplete line.
    return [line.split() for line in reported.splitlines(keepends=True) if line.endswith("\n")]


def check_reported(reported: list[list[str]], rows: dict[int, tuple[str, int]]) -> None:
    """Check that every reported booking exists with that status or one that it can have changed to."""
    become = {"confirmed": {"confirmed", "cancelled"}, "waiting": {"waiting", "confirmed", "cancelled"}}
    for word, number, *more in reported:
        status, quantity = rows[int(number)]
        if word == "cancelled":
            assert status == "cancelled"
        else:
            assert (status in become[more[0]], str(quantity)) == (True, more[1])


def rows_of(event: Event) -> dict[int, tuple[str, int]]:
    return {pk: (status, quantity) for pk, status, quantity in event.bookings.values_list("pk", "status", "quantity")}


@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestStorm:
    URL = property(lambda self: configuration.connection_url(connection.settings_dict))

    @pytest.fixture
    def capacity(self) -> int:
        return 30

    def test_200_clients_fill_seats_in_queue_order(self, event: Event) -> None:
        with storm(event.pk, processes=4, clients=50, url=self.URL) as running:
            reported = [next_line(running[0]).split() for _ in range(20)]
            services.update(event_id=event.pk, by=event.created_by, at=timezone.now(), capacity=50)
            reported += [line for one in running for line in remaining_lines(one)]

        assert sum(word == "booked" for word, *_ in reported) == 200
        check_reported(reported, rows_of(event))
        # All seats are taken, except too few for the head of the waiting list.
        head = Booking.objects.queue().first()
        event.inventory.refresh_from_db()
        assert head
        assert event.inventory.available < head.left
        assert faults() == []

    def test_survives_a_killed_process(self, event: Event) -> None:
        with storm(event.pk, processes=3, clients=60, url=self.URL) as (killed, *others):
            reported = [next_line(killed).split() for _ in range(20)]
            killed.kill()
            reported += remaining_lines(killed)
            for other in others:
                reported += remaining_lines(other)

        assert killed.returncode == -9
        assert sum(word == "booked" for word, *_ in reported) < 180
        assert event.bookings.count() < 180
        check_reported(reported, rows_of(event))
        assert faults() == []


class TestPostgresCrash:
    """A separate server with the durability of production."""

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[embedded._Server]:
        server = embedded._Server(tmp_path, durable=True)
        server.start()
        yield server
        server.stop()

    def test_loses_no_confirmed_booking(self, server: embedded._Server) -> None:
        place = {"HOST": server.socket, "PORT": embedded.PORT, "NAME": embedded.NAME, "USER": "postgres"}
        url = configuration.connection_url(place | {"PASSWORD": "", "OPTIONS": {}})
        with process("manage.py", "migrate", "--verbosity=0", url=url) as migration:
            remaining_lines(migration)
        with psycopg.connect(url, autocommit=True) as psql:
            event_id = self.make_event(psql)

        with storm(event_id, processes=2, clients=2_000, url=url) as running:
            reported = [next_line(one).split() for _ in range(60) for one in running]
            server._run("pg_ctl", "stop", f"--pgdata={server.data}", "--mode=immediate")
            for one in running:
                reported += remaining_lines(one)
        server.start()

        assert ["lost"] in reported
        with psycopg.connect(url) as psql:
            rows = {
                pk: (status, quantity)
                for pk, status, quantity in psql.execute("SELECT id, status, quantity FROM events_booking")
            }
        check_reported([line for line in reported if line != ["lost"]], rows)
        with process("manage.py", "check_bookings", url=url) as check:
            assert remaining_lines(check)[0][-2:] == ["No", "faults."]
        assert check.returncode == 0

    def make_event(self, psql: "psycopg.Connection[tuple[int]]") -> int:
        (admin,) = psql.execute(
            "INSERT INTO accounts_user"
            " (name, email, password, type, is_active, is_superuser, revocations, created_at)"
            " VALUES ('Ada Admin', 'ada@example.com', '', 'admin', true, false, 0, now()) RETURNING id"
        ).fetchone() or (0,)
        (event,) = psql.execute(
            "INSERT INTO events_event"
            " (name, description, venue, time_zone, starts_at, price, currency, status, origin, created_by_id,"
            " created_at, updated_at, version)"
            " VALUES ('Jazz', '', '', 'UTC', now(), 25, 'EUR', 'published', 'api', %s, now(), now(), 1) RETURNING id",
            [admin],
        ).fetchone() or (0,)
        psql.execute(
            "INSERT INTO events_inventory"
            " (event_id, capacity, withheld, confirmed, waiting, last_queue_number, version)"
            " VALUES (%s, 50, 0, 0, 0, 0, 1)",
            [event],
        )
        return event
