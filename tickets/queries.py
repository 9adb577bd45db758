"""What happened to tickets, in raw SQL."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ticketing import sql

ASSIGNEE = "assignee"
DELETED = "Deleted user"
# In this order an item names them.
FIELDS = (
    *("title", "description", "project_id", "status", "type", "venue", "price", "priority"),
    *("due_at", "sla_due_at", "created_by_id", "created_at"),
)


@dataclass(frozen=True)
class Person:
    """Somebody, as they are called now; DELETED who has been deleted since."""

    id: int
    name: str


@dataclass(frozen=True)
class Change:
    """A field before and after, None: empty; the field ASSIGNEE: who was taken off or put to work."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Item:
    """What was done at once. `by` is None where nobody said who they are, as in psql."""

    id: int
    at: datetime
    by: Person | None
    door: str
    changes: list[Change]


def history(*, ticket_id: int, before_id: int | None = None, limit: int) -> list[Item]:
    """What was done to a ticket, newest first, of that the part before the item `before_id`.

    Complete, whatever did it: triggers write it down. One query, which costs the same however long the history is.
    """
    rows = sql.rows("tickets/history", ticket_id=ticket_id, before_id=before_id, row_limit=limit)
    return [_item(**row) for row in rows]


def _item(
    *,
    id: int,  # noqa: A002
    at: datetime,
    door: str,
    actor_id: int | None,
    actor_name: str | None,
    changes: str | None,
    assignee_id: int | None,
    assignee_name: str | None,
    is_assigned: bool,
) -> Item:
    by = None if actor_id is None else Person(actor_id, actor_name or DELETED)
    if assignee_id is None:
        return Item(id, at, by, door, _changes(changes or "{}"))
    assignee = Person(assignee_id, assignee_name or DELETED)
    change = Change(ASSIGNEE, None, assignee) if is_assigned else Change(ASSIGNEE, assignee, None)
    return Item(id, at, by, door, [change])


def _changes(text: str) -> list[Change]:
    pairs = json.loads(text, parse_float=Decimal)
    return [Change(field, *(_value(field, value) for value in pairs[field])) for field in FIELDS if field in pairs]


def _value(field: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if value is not None and field.endswith("_at") else value
