"""A ticket's deadline in words: "Due in 2 h"."""

from datetime import datetime, timedelta

from sla.models import SlaState
from tickets.admin.labels import SLA_COLOURS
from tickets.models import Ticket

WORDS = {
    SlaState.MET: "Closed in time",
    SlaState.MISSED: "Closed late",
    SlaState.ON_HOLD: "On hold. SLA clock paused.",
}


def deadline(ticket: Ticket, at: datetime) -> tuple[str, str]:
    """Return where the ticket stands, in words, and the colour of the label."""
    state = ticket.sla_state(at)
    colour = SLA_COLOURS.get(state, "")
    if state in WORDS:
        return WORDS[state], colour
    if state == SlaState.BREACHED:
        return f"Overdue by {span(at - ticket.sla_due_at)}", colour
    return f"Due in {span(ticket.sla_due_at - at)}", colour


def span(length: timedelta) -> str:
    """Return the length in its largest fitting unit: "5 min", "2 h" or "3 days"."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"
