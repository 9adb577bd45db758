"""The recipe in docs/api.md for keeping a copy of the tickets up to date."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tickets.tests.factories import make_comment, make_ticket

pytestmark = pytest.mark.django_db

MARGIN = timedelta(minutes=5)

Copy = dict[int, dict[str, Any]]


def listed(api: APIClient, ordering: str) -> Iterator[dict[str, Any]]:
    """Yield all tickets, page by page."""
    cursor: str | None = ""
    while cursor is not None:
        query: dict[str, Any] = {"ordering": ordering, "limit": 2, "cursor": cursor}
        page = api.get("/tickets", query).json()
        yield from page["items"]
        cursor = page["nextCursor"]


def is_recent(time: str | None, since: datetime) -> bool:
    return time is not None and datetime.fromisoformat(time) >= since - MARGIN


def recent(api: APIClient, since: datetime) -> Iterator[dict[str, Any]]:
    """Yield the tickets changed since then, and those created since then."""
    for field in ("updatedDate", "createdDate"):
        for ticket in listed(api, f"-{field}"):
            if not is_recent(ticket[field], since):
                break
            yield ticket


def store(copy: Copy, tickets: Iterable[dict[str, Any]]) -> None:
    for ticket in tickets:
        if ticket["id"] not in copy or copy[ticket["id"]]["version"] < ticket["version"]:
            copy[ticket["id"]] = ticket


def test_a_copy_has_all_tickets_as_they_are(owner: User, signed_in: Callable[[User], APIClient]) -> None:
    api = signed_in(owner)
    long_ago = datetime.now(UTC) - timedelta(days=9)
    old = [make_ticket(owner, created_at=long_ago) for _ in range(5)]
    copy: Copy = {}
    began = datetime.now(UTC)
    store(copy, listed(api, "createdDate"))

    new = [make_ticket(owner) for _ in range(3)]
    for ticket in (old[1], old[4], new[0]):
        assert api.patch(f"/tickets/{ticket.pk}", {"priority": "high"}).status_code == 200
    make_comment(old[2], owner)
    store(copy, recent(api, began))

    current = api.get("/tickets", {"limit": 100}).json()["items"]
    assert len(current) == 8
    assert copy == {ticket["id"]: ticket for ticket in current}
