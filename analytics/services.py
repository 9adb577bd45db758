"""Maintenance of what is derived from the tickets: fold or rebuild it. Triggers keep it correct (sql/triggers)."""

from dataclasses import dataclass

from django.db import transaction

from kit.db import sql


@dataclass(frozen=True)
class Folded:
    """The number of daily counts removed and the number written in their place."""

    removed: int
    written: int


def fold_daily_counts() -> Folded:
    """Add new daily counts to their months, and keep one row per cell and creator.

    Does not change any sum in any snapshot and does not block readers or writers. Does nothing while another
    transaction folds or rebuilds.
    """
    sql.row("analytics/fold_last_days")
    return Folded(**sql.row("analytics/fold_daily_counts"))


@transaction.atomic
def rebuild_daily_counts() -> Folded:
    """Count all tickets again, and find the last days of their creators. Waits for a running fold or rebuild.

    Does not block readers, nor writers except those that move tickets to other projects, for the second part. Reads
    every ticket twice. Only needed after the triggers were disabled, for example to restore the tickets table alone.
    """
    sql.rows("analytics/lock_daily_counts")
    rebuilt = Folded(**sql.row("analytics/rebuild_daily_counts"))
    sql.rows("analytics/lock_last_days")
    sql.row("analytics/rebuild_last_days")
    return rebuilt
