"""Reads: users with the keys of the API."""

from typing import Any

from accounts.models import User
from kit.db import sql

# A user as SQL returns it, with the keys of UserSerializer.
Row = dict[str, Any]


def users(*, search: str = "", type: str | None = None, after: tuple[str, int] = ("", 0), limit: int) -> list[Row]:  # noqa: A002
    """Return up to `limit` users ordered by name, starting after the (name, id) pair `after`. Runs one query."""
    name, id_ = after
    # PostgreSQL can only tell from the words whether their index or the order finds a page of matches sooner.
    run = sql.rows if search else sql.prepared
    return run("accounts/users", search=search, type=type, after=name, after_id=id_, row_limit=limit)


def user(*, user_id: int) -> Row | None:
    return sql.find("accounts/user", user_id=user_id)


def viewer_id(viewer: User | None) -> int | None:
    """Return whose tickets to show, as a parameter: null for those who see every ticket, such as staff."""
    return None if viewer is None or viewer.is_staff else viewer.pk
