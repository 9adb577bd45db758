"""Check or falsify inventory, bookings and ledger, and book without locks."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from events import queries
from events.queries import Fault, Part
from kit.db.sql import MAX_ID
from projects.tests.psql import psql

LOCK = "FOR NO KEY UPDATE OF inventory"

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


@contextmanager
def unlocked(function: str) -> Iterator[None]:
    """Remove the lock from a function in the database."""
    with replaced(function, LOCK, ""):
        yield


@contextmanager
def replaced(function: str, text: str, other: str) -> Iterator[None]:
    """Replace part of a function in the database."""
    ((definition,),) = psql("SELECT pg_get_functiondef(%(function)s::regproc)", function=function)
    assert text in definition
    psql(definition.replace(text, other))
    try:
        yield
    finally:
        psql(definition)
