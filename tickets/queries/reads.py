"""Reads of tickets by id, person, search and label. lists.py finds the pages of a list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.models import User
from accounts.queries import viewer_id
from kit.db import sql
from tickets.models import Ordering

# A ticket as SQL returns it, with the keys of the API; tickets/shapes.py makes it JSON.
Row = dict[str, Any]

NEWEST_FIRST = Ordering()

# How many tickets of a person to look at for those that are not closed.
PERSON_WALK = 1_000
# How many tickets to look at, the newest first, for those that a search most likely means.
LIKELY_WALK = 2_000


def labels(*, viewer: User, after: str = "", limit: int) -> list[Row]:
    """Return the first `limit` labels after the label `after`, with the number of tickets that `viewer` may see."""
    return sql.prepared("tickets/labels", viewer_id=viewer_id(viewer), after=after, row_limit=limit)


def label_suggestions(*, start: str, without: Sequence[str] = (), limit: int) -> list[Row]:
    """Return labels that begin with a text, with their number of tickets, for staff; the most frequent ones first."""
    return sql.rows("tickets/label_suggestions", start=start, without=list(without), row_limit=limit)


def ticket(*, ticket_id: int, viewer: User, at: datetime, must_be_visible: bool = True) -> Row | None:
    """Return a ticket that `viewer` may see, as one of `tickets`, with its SLA and whether the viewer watches it."""
    return sql.find(
        "tickets/ticket",
        ticket_id=ticket_id,
        viewer_id=viewer_id(viewer) if must_be_visible else None,
        user_id=viewer.pk,
        at=at,
    )


def watchers(ticket_ids: list[int]) -> dict[int, list[int]]:
    """Return the ids of the users who watch each of these tickets and may see it."""
    found: dict[int, list[int]] = {ticket_id: [] for ticket_id in ticket_ids}
    for row in sql.rows("tickets/watchers", ticket_ids=ticket_ids) if ticket_ids else []:
        found[row["ticket_id"]].append(row["user_id"])
    return found


def likely(*, text: str, limit: int) -> list[Row]:
    """Return the tickets that staff, who see every ticket, are most likely to mean by a search. One statement."""
    return sql.rows("tickets/likely", text=text, walk=LIKELY_WALK, row_limit=limit)


def created_by(*, user_id: int, limit: int) -> list[Row]:
    """Return the latest tickets that a user created, for staff; those that are not closed first. One statement."""
    return sql.rows("tickets/created_by", user_id=user_id, walk=PERSON_WALK, row_limit=limit)


def assigned_to(*, user_id: int, limit: int) -> list[Row]:
    """Return the latest tickets that a user is assigned to, as `created_by` does. One statement."""
    return sql.rows("tickets/assigned_to", user_id=user_id, walk=PERSON_WALK, row_limit=limit)


def is_visible(*, ticket_id: int, viewer: User) -> bool:
    """Return whether there is a ticket that `viewer` may see."""
    return sql.find("tickets/is_visible", ticket_id=ticket_id, viewer_id=viewer_id(viewer)) is not None


def concerning(*, ticket_id: int, viewer: User) -> Row | None:
    """Return a ticket as one of `tickets`, if it concerns `viewer`."""
    return sql.find("tickets/concerning", ticket_id=ticket_id, viewer_id=viewer_id(viewer))


def tickets_by_id(ids: list[int], ordering: Ordering = NEWEST_FIRST) -> list[Row]:
    """Return the tickets as `tickets` does, in the order of the ids, with their place in `ordering`."""
    return sql.prepared("tickets/tickets", ids=ids, ordering=ordering.field) if ids else []


def seen_by_id(*, viewer: User, ids: list[int]) -> list[Row]:
    """Return those of these tickets that `viewer` may see, as `tickets` does, in any order. Two statements."""
    seen = sql.prepared("tickets/seen_by_id", ids=ids, viewer_id=viewer_id(viewer))
    return tickets_by_id([row["id"] for row in seen])
