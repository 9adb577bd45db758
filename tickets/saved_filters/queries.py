"""Reads: saved filters with the keys of the API."""

from typing import Any

from accounts.models import User
from kit.db import sql

# A filter as SQL returns it: the keys of SavedFilterSerializer, and `is_own`.
Row = dict[str, Any]


def saved_filters(*, viewer: User, after: tuple[str, int] = ("", 0), limit: int) -> list[Row]:
    """Return up to `limit` filters that the viewer can use, ordered by name, after the (name, id) pair `after`."""
    name, id_ = after
    return sql.prepared("tickets/saved_filters", viewer_id=viewer.pk, after=name, after_id=id_, row_limit=limit)
