"""What the admin's list shows above the tickets: the size of each queue, and saved filters."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from kit.db import sql
from tickets.models import Queue

# Larger queues are counted no further.
MAX_COUNT = 1_000
# How many assignments and open tickets to look at.
WALK = 10_000


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
