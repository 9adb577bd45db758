"""Check or falsify inventory, bookings and ledger, and book without locks."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from events import queries
from events.queries import Fault, Part
from kit.db.sql import MAX_ID
from projects.tests.psql import psql

LOCK = "FOR NO KEY UPDATE OF inventory"
# Where events_book queues for the lock, and where it decides with the row locked.
QUEUE = "queued := pg_advisory_xact_lock('events_inventory'::regclass::oid::int, (wanted_event % 2147483648)::int);"
DECISION = " AND events_booking_fits(inventory, wanted);"

ALL = Part(after_id=0, until_id=MAX_ID, events=0, bookings=0)


def faults() -> list[Fault]:
    return list(queries.booking_faults(ALL))


def falsify(*statements: str) -> None:
    """Run SQL with all triggers disabled, including those of foreign keys."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")


def fill(event_id: int, status: str) -> None:
    """Add 2,000 guests' bookings of this status, enough for PostgreSQL to prefer the index that fits best."""
    bookings = (
        f"({event_id}, 'greta@example.com', 1, '{status}', {number}, 25, 'api', now())" for number in range(1, 2001)
    )
    falsify(
        "INSERT INTO events_booking"
        " (event_id, guest_email, quantity, status, queue_number, unit_price, origin, created_at)"
        f" VALUES {', '.join(bookings)}",
        # Indexes keep what earlier tests rolled back, and a larger index can seem to be the worse one.
        "REINDEX TABLE events_booking",
        "ANALYZE events_booking",
    )


@contextmanager
def unlocked(function: str) -> Iterator[None]:
    """Remove the lock from a function in the database, and with it what the function decides once it has the lock."""
    with replaced(function, (LOCK, ""), (QUEUE, ""), (DECISION, ";")):
        yield


@contextmanager
def replaced(function: str, *changes: tuple[str, str]) -> Iterator[None]:
    """Replace parts of a function in the database."""
    ((definition,),) = psql("SELECT pg_get_functiondef(%(function)s::regproc)", function=function)
    changed = definition
    for text, other in changes:
        changed = changed.replace(text, other)
    assert changed != definition
    psql(changed)
    try:
        yield
    finally:
        psql(definition)
