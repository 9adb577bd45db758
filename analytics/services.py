"""Maintenance of the daily counts: fold them, or rebuild them. Triggers keep them correct (sql/triggers)."""

from dataclasses import dataclass

from django.db import transaction

from kit.db import sql


@dataclass(frozen=True)
class Folded:
    """The number of rows removed and the number written in their place."""

    removed: int
    written: int


def fold_daily_counts() -> Folded:
    """Replace the rows of each cell by one row with their sum, or by none if the sum is zero.

    Does not change any sum in any snapshot and does not block readers or writers. Does nothing while another
    transaction folds or rebuilds.
    """
    return Folded(**sql.row("analytics/fold_daily_counts"))


@transaction.atomic
def rebuild_daily_counts() -> Folded:
    """Count all tickets again. Does not block readers or writers; waits for a running fold or rebuild.

    Reads every ticket. Only needed after the triggers were disabled, for example to restore the tickets table alone.
    """
    sql.rows("analytics/lock_daily_counts")
    return Folded(**sql.row("analytics/rebuild_daily_counts"))
