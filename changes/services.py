"""Use cases: give changes their positions in the log, and delete old ones."""

from collections.abc import Callable
from datetime import datetime, timedelta

from kit.db import sql

# Changes per transaction of `sequence`, during which others who read the log wait.
BATCH = 1_000
# Changes per transaction of `purge`.
PURGED_BATCH = 10_000
# How much longer `purge` keeps changes that one of `readers` has not read yet.
GRACE = timedelta(days=60)
# Each returns how far a part of this server has read the log, or None if it does not need the log.
readers: list[Callable[[], int | None]] = []


def sequence() -> None:
    """Move what is committed by now to the log. Commit a transaction per batch, unless the caller is in one."""
    while sql.prepared("changes/sequence", number=BATCH)[0]["taken"] == BATCH:
        pass


def purge(*, older_than: timedelta, at: datetime) -> int:
    """Delete changes older than this, from the beginning of the log. Return their number.

    Those that a reader has not read are kept, though not longer than GRACE.
    """
    number = 0
    before = at - older_than
    positions = [position for read in readers if (position := read()) is not None]
    while deleted := sql.prepared(
        "changes/purge",
        before=before,
        read_until=min(positions, default=None),
        unread_before=before - GRACE,
        number=PURGED_BATCH,
    )[0]["number"]:
        number += deleted
    return number
