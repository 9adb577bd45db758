"""The recipe in docs/api.md for keeping a copy of the tickets up to date."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tickets.tests.factories import make_comment, make_ticket

pytestmark = pytest.mark.django_db

MARGIN = timedelta(minutes=5)

Copy = dict[int, dict[str, Any]]


def update(copy: Copy, api: APIClient, *, since: datetime | None = None) -> None:
    """Read all tickets, or those created or changed since then, into the copy."""
    for field in ("createdDate",) if since is None else ("updatedDate", "createdDate"):
        page: dict[str, Any] = {"nextCursor": ""}
        while page["nextCursor"] is not None:
            ordering = field if since is None else f"-{field}"
            query = {"ordering": ordering, "limit": 2, "cursor": page["nextCursor"]}
            page = api.get("/tickets", query).json()
            for ticket in page["items"]:
                at = ticket[field]
                if since and (at is None or datetime.fromisoformat(at) < since - MARGIN):
                    page["nextCursor"] = None
                    break
                if ticket["id"] not in copy or copy[ticket["id"]]["version"] < ticket["version"]:
                    copy[ticket["id"]] = ticket


def test_a_copy_has_all_tickets_as_they_are(owner: User, signed_in: Callable[[User], APIClient]) -> None:
    api = signed_in(owner)
    long_ago = datetime.now(UTC) - timedelta(days=9)
    old = [make_ticket(owner, created_at=long_ago) for _ in range(5)]
    copy: Copy = {}
    began = datetime.now(UTC)
    update(copy, api)

    new = [make_ticket(owner) for _ in range(3)]
    for ticket in (old[1], old[4], new[0]):
        assert api.patch(f"/tickets/{ticket.pk}", {"priority": "high"}).status_code == 200
    make_comment(old[2], owner)
    update(copy, api, since=began)

    current = api.get("/tickets", {"limit": 100}).json()["items"]
    assert len(current) == 8
    assert copy == {ticket["id"]: ticket for ticket in current}
