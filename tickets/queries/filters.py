"""What lists of tickets can be filtered by."""

from dataclasses import dataclass, field, replace
from typing import Any

from accounts.models import User
from kit.dates import Span
from sla.models import SlaState
from tickets.models import Queue, Status

# The states that a list can be filtered by.
SLA_STATES = (SlaState.BREACHED, SlaState.AT_RISK, SlaState.MET, SlaState.MISSED)


@dataclass(frozen=True, kw_only=True)
class TicketFilter:
    """Conditions that tickets must all meet. None means no condition."""

    span: Span = field(default_factory=Span)
    status: str | None = None
    priority: str | None = None
    type: str | None = None
    venue: str | None = None
    project_id: int | None = None
    created_by_id: int | None = None
    # Normalized; tickets must have all of them.
    labels: tuple[str, ...] | None = None
    assignee_id: int | None = None
    # Words, or their beginnings.
    search: str | None = None
    # One of SLA_STATES.
    sla: str | None = None
    # For `tickets`: the queues of the admin's list, as the viewer sees them.
    queue: Queue | None = None
    # Besides `assignee_id`.
    also_assignee_id: int | None = None

    @property
    def is_narrow(self) -> bool:
        """Return whether few tickets are likely to match. An index has all that is needed to sort those."""
        narrow = (self.venue, self.project_id, self.created_by_id, self.search)
        return any(value is not None for value in narrow)

    def of(self, viewer: User) -> "TicketFilter | None":
        """Return the filter with other conditions in place of its queue where these say the same, and have indexes.

        None if no ticket meets all of them.
        """
        match self.queue:
            case Queue.MINE:
                # Commands have a viewer without a row, whom no ticket is assigned to.
                own_id = viewer.pk or 0
                if self.assignee_id in (None, own_id):
                    return replace(self, queue=Queue.ACTIVE, assignee_id=own_id)
                return replace(self, queue=Queue.ACTIVE, also_assignee_id=own_id)
            case Queue.AT_RISK | Queue.BREACHED:
                state = SlaState(self.queue.value)
                return replace(self, queue=None, sla=state) if self.sla in (None, state) else None
            case Queue.CLOSED:
                is_possible = self.status in (None, Status.CLOSED)
                return replace(self, queue=None, status=Status.CLOSED) if is_possible else None
            case Queue.ALL:
                return replace(self, queue=None)
        return self

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of sql/parts/matching.sql and looked_up.sql, except the current time."""
        names = [
            *("status", "priority", "type", "venue", "project_id", "created_by_id", "assignee_id", "search", "sla"),
            *("queue", "also_assignee_id"),
        ]
        span = {"starts_at": self.span.starts_at, "ends_at": self.span.ends_at}
        labels = {"labels": None if self.labels is None else list(self.labels), "looks_up_labels": True}
        return {name: getattr(self, name) for name in names} | span | labels
