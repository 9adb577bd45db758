"""Two changes at once that expect the same version, with real threads, connections and locks: one succeeds.

Each race has a twin without the services' locks, in which both succeed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from accounts import services as accounts
from accounts.models import User
from accounts.tests.factories import make_user
from events import services as events
from events.models import InventoryQuerySet
from events.tests.factories import book, make_event
from kit.tests.races import during
from kit.versions import Expected, PreconditionFailed
from projects import services as projects
from projects.tests.factories import make_project
from projects.tests.psql import psql
from tickets import services as tickets
from tickets.models import TicketQuerySet
from tickets.tests.factories import make_ticket

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.database,
    pytest.mark.slow,
]

FIRST = Expected(frozenset([1]), PreconditionFailed)


@dataclass(frozen=True)
class Race:
    """The rows that a change of a record locks, and two changes that expect its first version."""

    rows: list[str]
    changes: list[Callable[[], Any]]


def ticket(admin: User) -> Race:
    pk = make_ticket(admin).pk
    change: dict[str, Any] = {"ticket_id": pk, "by": admin, "at": timezone.now(), "expected": FIRST}
    return Race(
        [f"tickets_ticket WHERE id = {pk}"],
        [lambda: tickets.hold(**change), lambda: tickets.update(**change, title="Another")],
    )


def project(admin: User) -> Race:
    pk = make_project().pk
    return Race(
        [f"projects_project WHERE id = {pk}"],
        [
            lambda: projects.update(project_id=pk, expected=FIRST, name="Another"),
            lambda: projects.update(project_id=pk, expected=FIRST, description="More"),
        ],
    )


def user(admin: User) -> Race:
    pk = make_user().pk
    change: dict[str, Any] = {"user_id": pk, "by": admin, "expected": FIRST}
    return Race(
        [f"accounts_user WHERE id = {pk}"],
        [lambda: accounts.update(**change, name="Another"), lambda: accounts.update(**change, is_active=False)],
    )


def event(admin: User) -> Race:
    pk = make_event(admin).pk
    change: dict[str, Any] = {"event_id": pk, "by": admin, "at": timezone.now(), "expected": FIRST}
    return Race(
        [f"events_inventory WHERE event_id = {pk}", f"events_event WHERE id = {pk}"],
        [lambda: events.update(**change, venue="Park"), lambda: events.cancel_event(**change)],
    )


def booking(admin: User) -> Race:
    made = book(make_event(admin), admin, quantity=3)
    change: dict[str, Any] = {"booking_id": made.pk, "by": admin, "expected": FIRST}
    return Race(
        [f"events_inventory WHERE event_id = {made.event_id}", f"events_booking WHERE id = {made.pk}"],
        # As many seats each: without locks, whichever comes second still writes the same number.
        [lambda: events.cancel(**change, seats=1)] * 2,
    )


@pytest.fixture
def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the locks of the services."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)
    monkeypatch.setattr(InventoryQuerySet, "locked", lambda inventories: inventories)
    monkeypatch.setattr(TicketQuerySet, "locked", lambda tickets: tickets)


def refusals(race: Race) -> list[Any]:
    def lock_rows() -> None:
        for row in race.rows:
            psql(f"SELECT FROM {row} FOR NO KEY UPDATE")

    results = during(lock_rows, *race.changes)
    return [result for result in results if isinstance(result, type)]


@pytest.mark.parametrize("make", [ticket, project, user, event, booking])
class TestTwoChangesOfOneVersion:
    def test_succeed_once(self, make: Callable[[User], Race], admin: User) -> None:
        assert refusals(make(admin)) == [PreconditionFailed]

    def test_both_succeed_without_the_lock(self, make: Callable[[User], Race], admin: User, without_lock: None) -> None:
        assert refusals(make(admin)) == []
