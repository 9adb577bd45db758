"""Fixtures shared by the tests of `kit`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from events.tests.factories import book, make_event
from kit.openapi.schema import EXAMPLE_IDS
from kit.web import throttling
from tickets import services
from tickets.tests.factories import make_ticket


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # Generating the requests takes seconds, even if they are not sent.
    is_deselected = config.option.markexpr == "not slow" and collection_path.name == "test_generated_requests.py"
    return True if is_deselected else None


@pytest.fixture
def fresh_rate_limits() -> Iterator[None]:
    """Reset all rate limit counters before and after the test."""
    throttling.counter.cache_clear()
    yield
    throttling.counter.cache_clear()


@pytest.fixture
def people(db: None) -> Iterator[dict[str, User | None]]:
    """Create the users of the examples, a ticket, and an event with a booking, with the ids that the examples use."""
    with connection.cursor() as cursor:
        for table in ("accounts_user", "tickets_ticket", "events_event", "events_booking"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1000)")
    owner = make_user("User Name", id=2)
    assignee = make_user("User Name 1", id=EXAMPLE_IDS["user_id"])
    admin = make_user("Ada Admin", id=5, type=UserType.ADMIN)
    make_ticket(owner, id=EXAMPLE_IDS["ticket_id"])
    services.assign(ticket_id=EXAMPLE_IDS["ticket_id"], user_id=assignee.pk, by=owner)
    with connection.cursor() as cursor:
        for table, name in (("events_event", "event_id"), ("events_booking", "booking_id")):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {EXAMPLE_IDS[name]}, false)")
    book(make_event(admin), owner, quantity=2)
    # These would close the connection that holds the test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"owner": owner, "admin": admin, "anonymous": None}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
