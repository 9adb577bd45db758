"""A ticket's comments and history."""

import heapq
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import User
from accounts.queries import viewer_id
from kit.db import sql
from tickets.models import Comment
from tickets.queries.reads import Row

ASSIGNEE = "assignee"
MAX_VERSION = 2**31 - 1
DELETED = "Deleted user"
# The fields in the history, in the order in which they are shown.
FIELDS = (
    *("title", "description", "project_id", "status", "type", "venue", "price", "priority"),
    *("due_at", "sla_due_at", "held_at", "hold_reason", "created_by_id", "created_at"),
    *("labels", "merged_into_id", "merged_from"),
)


def comments(*, ticket_id: int, viewer: User, after_id: int = 0, limit: int) -> list[Row] | None:
    """Return the first `limit` comments that `viewer` may see, after the comment `after_id`; oldest first.

    None if there is no ticket that the viewer may see. One query.
    """
    if ticket_id > sql.MAX_ID:
        return None
    rows = sql.prepared(
        "tickets/comments",
        ticket_id=ticket_id,
        viewer_id=viewer_id(viewer),
        viewer_type=viewer.type,
        after_id=after_id,
        row_limit=limit,
    )
    return [row for row in rows if row["id"] is not None] if rows else None


def first_comments(*, ids: list[int], viewer: User, limit: int, most_bytes: int) -> list[Row]:
    """Return the first comments on each of these tickets, which `viewer` may see, with `ticket_id` and `has_more`."""
    return sql.prepared(
        "tickets/first_comments", ids=ids, viewer_type=viewer.type, row_limit=limit, most_bytes=most_bytes
    )


def comment(*, comment_id: int, viewer: User) -> Row | None:
    """Return a comment that `viewer` may see, as one of `comments`."""
    return sql.find("tickets/comment", comment_id=comment_id, viewer_id=viewer_id(viewer), viewer_type=viewer.type)


def comments_by_id(ids: list[int]) -> list[Row]:
    """Return these comments, internal ones as well, in any order. Runs one statement."""
    return sql.prepared("tickets/comments_by_id", ids=ids) if ids else []


def last_comments(
    *, ticket_id: int, viewer: User, before_id: int = sql.MAX_ID, limit: int, most_bytes: int
) -> list[Row]:
    """Return the last `limit` comments that `viewer` may see, before the comment `before_id`; oldest first. One query.

    Stop at the comment with which the messages exceed `most_bytes`.
    """
    rows = sql.prepared(
        "tickets/last_comments",
        ticket_id=ticket_id,
        viewer_id=viewer_id(viewer),
        viewer_type=viewer.type,
        before_id=before_id,
        row_limit=limit,
        most_bytes=most_bytes,
    )
    return rows[::-1]


@dataclass(frozen=True)
class Person:
    """A user with their current name, or DELETED if they have since been deleted."""

    id: int
    name: str


@dataclass(frozen=True)
class Change:
    """A field before and after; None is empty. For the field ASSIGNEE, the person removed or added."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Item:
    """An entry of the history. `by` is None if the transaction named no actor, as in psql."""

    id: int
    at: datetime
    by: Person | None
    door: str
    changes: list[Change]

    def texts(self) -> list[str]:
        """Return all values as text."""
        return [str(value) for change in self.changes for value in (change.before, change.after)]


@dataclass(frozen=True)
class LaterChange:
    """A field then and now, and who changed it last. For the field ASSIGNEE, the name of the person."""

    field: str
    before: Any
    after: Any
    at: datetime
    by: Person | None
    door: str


def changes_since(*, ticket_id: int, since: int) -> list[LaterChange]:
    """Return what has changed since the version `since`, ordered by each field's last change. One query."""
    if not 1 <= since <= MAX_VERSION:
        return []
    rows = sql.rows("tickets/changes_since", ticket_id=ticket_id, version=since, deleted=DELETED)
    return [_later_change(**row) for row in rows]


def changed_fields(*, ticket_id: int, since: int) -> list[str]:
    """Return the names of the fields that have changed since the version `since`, ASSIGNEE last."""
    changed = {change.field for change in changes_since(ticket_id=ticket_id, since=since)}
    return [name for name in (*FIELDS, ASSIGNEE) if name in changed]


def history(*, ticket_id: int, before_id: int | None = None, limit: int) -> list[Item]:
    """Return the last `limit` entries of a ticket's history, before the entry `before_id`; newest first.

    Triggers write the history, so it includes changes made in SQL. One query, whose cost does not depend on its length.
    """
    rows = sql.rows("tickets/history", ticket_id=ticket_id, before_id=before_id, row_limit=limit)
    return [_item(**row) for row in rows]


# The position after the newest entry of a conversation.
NEWEST = (sql.MAX_ID, sql.MAX_ID)
# What a conversation can be limited to.
ALL, COMMENTS, CHANGES = "all", "comments", "changes"


def conversation(
    *, ticket_id: int, viewer: User, before: tuple[int, int] = NEWEST, limit: int, kind: str = ALL
) -> tuple[list[Item | Comment], tuple[int, int] | None]:
    """Return the last `limit` changes and comments that `viewer` may see, oldest first, and where to continue.

    `kind` limits them to COMMENTS or CHANGES. A position is a pair of ids, of a history entry and a comment. The
    returned one is None if nothing comes before it.
    At most two queries, whose cost does not depend on the length of the conversation.
    """
    item_id, comment_id = before
    changes: list[Item | Comment] = []
    if kind != COMMENTS:
        changes += history(ticket_id=ticket_id, before_id=item_id, limit=limit + 1)
    readable = Comment.objects.visible_to(viewer).filter(ticket=ticket_id, pk__lt=comment_id)
    comments: list[Item | Comment] = []
    if kind != CHANGES:
        comments += readable.select_related("author").defer("author__search").order_by("-pk")[: limit + 1]
    found = list(heapq.merge(comments, changes, key=_moment, reverse=True))
    shown = found[:limit]
    if len(found) > limit:
        item_id = min((entry.id for entry in shown if isinstance(entry, Item)), default=item_id)
        comment_id = min((entry.pk for entry in shown if isinstance(entry, Comment)), default=comment_id)
    return shown[::-1], (item_id, comment_id) if len(found) > limit else None


def _moment(entry: Item | Comment) -> datetime:
    """Return when an entry was made, truncated to the precision of comments. In a tie, changes come first."""
    if isinstance(entry, Comment):
        return entry.created_at
    return entry.at.replace(microsecond=entry.at.microsecond // 1000 * 1000)


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


def _later_change(
    *,
    field: str,
    before: str | None,
    after: str | None,
    at: datetime,
    door: str,
    actor_id: int | None,
    actor_name: str | None,
) -> LaterChange:
    by = None if actor_id is None else Person(actor_id, actor_name or DELETED)
    if field == ASSIGNEE:
        return LaterChange(field, before, after, at, by, door)
    was, is_now = (_value(field, json.loads(text or "null", parse_float=Decimal)) for text in (before, after))
    return LaterChange(field, was, is_now, at, by, door)


def _changes(text: str) -> list[Change]:
    pairs = json.loads(text, parse_float=Decimal)
    return [Change(field, *(_value(field, value) for value in pairs[field])) for field in FIELDS if field in pairs]


def _value(field: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if value is not None and field.endswith("_at") else value
