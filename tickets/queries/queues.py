"""What the admin's list shows above the tickets: the size of each queue, and saved filters."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from kit.db import sql
from tickets.models import Queue
from tickets.queries.filters import TicketFilter

# Larger queues are counted no further.
MAX_COUNT = 1_000
# How many assignments and open tickets to look at.
WALK = 10_000
# Where counts of saved filters stop, and how long each may take, in milliseconds.
MAX_SAVED_COUNT = 100
SAVED_COUNT_TIME = 200


@dataclass(frozen=True)
class QueueCount:
    """How many tickets are in a queue; more than that if `is_cut`."""

    number: int
    is_cut: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}+" if self.is_cut else f"{self.number:,}"


def queue_counts(*, user: User, at: datetime) -> dict[Queue, QueueCount]:
    """Return the sizes of the queues that a member of staff works through, in one statement of limited cost."""
    row = sql.row("tickets/queue_counts", user_id=user.pk, at=at, most=MAX_COUNT + 1, walk=WALK)
    is_cut = row.pop("is_cut")
    counts = {
        queue: QueueCount(min(row[queue.name.lower()], MAX_COUNT), row[queue.name.lower()] > MAX_COUNT)
        for queue in Queue
        if queue.name.lower() in row
    }
    unassigned = counts[Queue.UNASSIGNED]
    return counts | {Queue.UNASSIGNED: QueueCount(unassigned.number, unassigned.is_cut or is_cut)}


def saved_count(*, viewer: User, filter: TicketFilter, at: datetime) -> QueueCount | None:  # noqa: A002
    """Return how many tickets a saved filter finds for a member of staff, in one statement of limited duration.

    None if that takes too long.
    """
    wanted = filter.of(viewer)
    if wanted is None:
        return QueueCount(0)
    try:
        with sql.time_limit(SAVED_COUNT_TIME):
            plain = {"are_whole": False, "looks_up_words": True}
            limits = {"most": MAX_SAVED_COUNT + 1, "walk": WALK}
            row = sql.row("tickets/saved_count", **wanted.parameters(), **plain, **limits, at=at)
    except sql.TookTooLong:
        return None
    return QueueCount(min(row["number"], MAX_SAVED_COUNT), row["number"] > MAX_SAVED_COUNT)
