"""What is shown in colour: status, priority and SLA. A value without a colour would be shown by its code."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sla.models import Priority, SlaState
from tickets.models import Status, Ticket

STATUS_COLOURS = {Status.OPEN: "info", Status.IN_PROGRESS: "warning", Status.CLOSED: "success"}
PRIORITY_COLOURS = {Priority.HIGH: "danger", Priority.MEDIUM: "warning", Priority.LOW: "default"}
SLA_COLOURS = {
    SlaState.AT_RISK: "warning",
    SlaState.BREACHED: "danger",
    SlaState.MISSED: "danger",
    SlaState.MET: "success",
    SlaState.ON_HOLD: "info",
}


def state(ticket: Ticket) -> Iterator[tuple[str, str]]:
    """Yield the status and the priority, each with its colour."""
    yield ticket.get_status_display(), STATUS_COLOURS[Status(ticket.status)]
    yield f"{ticket.get_priority_display()} priority", PRIORITY_COLOURS[Priority(ticket.priority)]


def deadline(ticket: Ticket, at: datetime) -> tuple[str, str, datetime]:
    """Return where the ticket stands with its SLA, in words; their colour, and the time that they are about."""
    state = ticket.sla_state(at)
    colour = SLA_COLOURS.get(state, "default")
    match state:
        case SlaState.ON_HOLD:
            return "On hold", colour, ticket.held_at or at
        case SlaState.MET:
            return "Closed in time", colour, ticket.closed_at or at
        case SlaState.MISSED:
            return "Closed late", colour, ticket.closed_at or at
        case SlaState.BREACHED:
            return f"Breached {duration(at - ticket.sla_due_at)} ago", colour, ticket.sla_due_at
    return f"Due in {duration(ticket.sla_due_at - at)}", colour, ticket.sla_due_at


def sla_label(ticket: Ticket, at: datetime) -> SafeString:
    """Return the ticket's deadline as HTML, with the exact time on hover."""
    words, colour, moment = deadline(ticket, at)
    exact = f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}"
    return format_html('<span class="label-{}" title="{}">{}</span>', colour, exact, words)


def duration(span: timedelta) -> str:
    """Return a duration in its largest unit: "3 d", "2 h" or "5 min". Days begin at 48 hours."""
    minutes = int(span.total_seconds()) // 60
    if minutes >= 48 * 60:
        return f"{minutes // (24 * 60)} d"
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"
