"""Reads of the log: pages of changes that a caller may see, and where the log ends."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from changes import services
from kit.db import sql
from kit.errors import Gone
from tickets.queries import DELETED, Person

# Changes to look at for one page. A caller who may see none of them gets an empty page, and goes on from there.
SCAN = 2_000


class ChangesExpired(Gone):
    message = "These changes are no longer available. Read all records again, starting with a new cursor"


@dataclass(frozen=True)
class Item:
    position: int
    type: str
    id: int
    action: str
    version: int | None
    at: datetime
    by: Person | None
    door: str


@dataclass(frozen=True)
class Page:
    items: list[Item]
    # Of the last change that was looked at.
    position: int
    # Whether that is the newest one.
    is_last: bool


def end() -> int:
    """Return the position of the newest change that is committed now."""
    services.sequence()
    return int(sql.prepared("changes/log")[0]["position"])


def moved(after: int) -> dict[str, int]:
    """Return the position of the newest change of each type that has changed after a position."""
    services.sequence()
    return {row["type"]: row["position"] for row in sql.prepared("changes/moved", after=after)}


def page(*, viewer: User, after: int, types: Collection[str], limit: int) -> Page:
    """Return the next changes after a position that `viewer` may see, in the order of their commits. Two statements.

    :raises ChangesExpired: some of them have been deleted for their age, or the log has never reached that position.
    """
    services.sequence()
    rows = sql.prepared(
        "changes/page",
        # A made-up cursor must not exceed a bigint.
        after=min(after, sql.MAX_ID - SCAN),
        scan=SCAN,
        types=list(types),
        viewer_id=None if viewer.is_staff else viewer.pk,
        user_id=viewer.pk,
        viewer_type=viewer.type,
        is_admin=viewer.is_admin,
        row_limit=limit,
    )
    last, purged = rows[0]["last"], rows[0]["purged"]
    # A database that was restored from a backup has lost positions that clients know.
    if not purged <= after <= last:
        raise ChangesExpired
    items = [_item(**row) for row in rows if row["position"] is not None]
    position = items[-1].position if len(items) == limit else min(after + SCAN, last)
    return Page(items, position, is_last=position == last)


def _item(*, last: int, purged: int, by_id: int | None, by_name: str | None, **columns: object) -> Item:
    by = None if by_id is None else Person(by_id, DELETED if by_name is None else by_name)
    return Item(by=by, **columns)  # type: ignore[arg-type]
