"""What is shown in colour: status, priority, SLA and labels. A value without a colour would be shown by its code."""

from collections.abc import Iterator

from django.utils import timezone

from sla.models import Priority, SlaState
from tickets.models import Status, Ticket

STATUS_COLOURS = {Status.OPEN: "info", Status.IN_PROGRESS: "warning", Status.CLOSED: "success"}
PRIORITY_COLOURS = {Priority.HIGH: "danger", Priority.MEDIUM: "warning", Priority.LOW: "default"}
SLA_COLOURS = {SlaState.AT_RISK: "warning", SlaState.BREACHED: "danger", SlaState.MISSED: "danger"}


def labels(ticket: Ticket) -> Iterator[tuple[str, str]]:
    """Yield each text and its colour."""
    yield ticket.get_status_display(), STATUS_COLOURS[Status(ticket.status)]
    yield f"{ticket.get_priority_display()} priority", PRIORITY_COLOURS[Priority(ticket.priority)]
    state = ticket.sla_state(timezone.now())
    if state != SlaState.OK:
        yield str(state.label), SLA_COLOURS.get(state, "")
    for label in ticket.labels:
        yield label, "default"
