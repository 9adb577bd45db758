"""What is shown in colour: status, priority, SLA and labels. A value without a colour would be shown by its code."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

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


def sla_label(ticket: Ticket, at: datetime) -> SafeString:
    """Return where the ticket stands with its deadline, in words and colour, with the exact time on hover."""
    state = ticket.sla_state(at)
    words, moment = _sla_words(ticket, state, at)
    colour = SLA_COLOURS.get(state, "info" if state == SlaState.ON_HOLD else "default")
    exact = f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}"
    return format_html('<span class="label-{}" title="{}">{}</span>', colour, exact, words)


def _sla_words(ticket: Ticket, state: SlaState, at: datetime) -> tuple[str, datetime]:
    match state:
        case SlaState.ON_HOLD:
            return "On hold", ticket.held_at or at
        case SlaState.MET | SlaState.MISSED:
            return "Met" if state == SlaState.MET else "Missed", ticket.closed_at or at
        case SlaState.BREACHED:
            return f"Breached {duration(at - ticket.sla_due_at)} ago", ticket.sla_due_at
    return f"Due in {duration(ticket.sla_due_at - at)}", ticket.sla_due_at


def duration(span: timedelta) -> str:
    """Return a duration in its largest unit: "3 d", "2 h" or "5 min". Days begin at 48 hours."""
    minutes = int(span.total_seconds()) // 60
    if minutes >= 48 * 60:
        return f"{minutes // (24 * 60)} d"
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"
