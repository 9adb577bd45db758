"""Keeping a ticket's SLA clock in step with its status, priority and policy. The rules are in sla/clock.py."""

from datetime import datetime
from typing import Any

from sla import clock
from sla.clock import Clock, Terms
from sla.models import SlaPolicy
from tickets.models import Status, Ticket
from tickets.services.fields import in_milliseconds


def terms_of(priority: str) -> Terms:
    """Return the terms of the priority's policy as they are now."""
    return SlaPolicy.objects.select_related("calendar").get(pk=priority).terms


def started(*, created_at: datetime, status: str, priority: str) -> Clock:
    """Return the clock of a new ticket."""
    running = clock.start(created_at=created_at, terms=terms_of(priority))
    return clock.close(running, at=created_at) if status == Status.CLOSED else running


def updated(ticket: Ticket, changes: dict[str, Any], *, at: datetime) -> Clock:
    """Return the clock of a ticket whose status or priority changes.

    Terms are looked up only when the deadline moves. Closing a ticket on hold ends the hold first.
    """
    current = ticket.clock
    is_closed = changes.get("status", ticket.status) == Status.CLOSED
    priority = changes.get("priority", ticket.priority)
    if current.closed_at:
        return current if is_closed else clock.reopen(current, at=at, terms=terms_of(priority))
    if is_closed and current.held_at:
        current = clock.resume(current, at=at, terms=terms_of(priority))
    elif priority != ticket.priority:
        current = clock.reprioritise(current, terms=terms_of(priority))
    return clock.close(current, at=in_milliseconds(at)) if is_closed else current
