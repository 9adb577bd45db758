"""Keeping the derived counts few, and making them anew. Triggers keep them right (migrations/0001)."""

from dataclasses import dataclass

from django.db import transaction

from kit.db import sql


@dataclass(frozen=True)
class Folded:
    """How many rows went and how many took their place."""

    removed: int
    written: int


def fold_daily_counts() -> Folded:
    """Replace the rows of each cell that has several by one, of a cell that has come to nothing by none.

    Changes no sum, in any snapshot. Writers and readers go on meanwhile; while another one folds this does nothing.
    """
    return Folded(**sql.row("analytics/fold_daily_counts"))


@transaction.atomic
def rebuild_daily_counts() -> Folded:
    """Count everything anew from the tickets. Writers and readers go on meanwhile; waits for one who folds.

    Takes a pass over all tickets. Only needed after the triggers were off, as in a restore of the tickets alone.
    """
    sql.rows("analytics/hold_daily_counts")
    return Folded(**sql.row("analytics/rebuild_daily_counts"))
