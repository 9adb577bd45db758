"""Keeping a ticket's SLA clock in step with its status, priority and policy. The rules are in sla/clock.py."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sla import clock, queries
from sla.business_hours import ROUND_THE_CLOCK, BusinessHours
from sla.clock import Clock, Terms
from sla.models import Calendar
from tickets.models import Status, Ticket
from tickets.services.fields import in_milliseconds


def terms_of(priority: str) -> Terms:
    """Return the terms of the priority's policy as they are now."""
    return all_terms({priority})[priority]


def all_terms(priorities: Collection[str]) -> dict[str, Terms]:
    """Return the terms of each priority's policy as they are now, with one query plus two for each calendar."""
    return {policy.priority: policy.terms for policy in queries.policies(priorities)}


def business_hours_of(ticket: Ticket) -> BusinessHours:
    """Return the current hours of the calendar that the ticket's deadline was calculated with.

    If that calendar was renamed or deleted, the policy's calendar takes its place.
    """
    if not ticket.sla_calendar:
        return ROUND_THE_CLOCK
    calendar = Calendar.objects.filter(name=ticket.sla_calendar).first()
    return calendar.business_hours() if calendar else terms_of(ticket.priority).business_hours


def started(*, created_at: datetime, status: str, terms: Terms) -> Clock:
    """Return the clock of a new ticket."""
    running = clock.start(created_at=created_at, terms=terms)
    if status != Status.CLOSED:
        return running
    return clock.close(running, at=created_at, business_hours=terms.business_hours)


def updated(ticket: Ticket, changes: dict[str, Any], *, at: datetime) -> Clock:
    """Return the clock of a ticket whose status or priority changes.

    A policy is only looked up for a new priority. Closing a ticket on hold ends the hold first.
    """
    current = ticket.clock
    is_closed = changes.get("status", ticket.status) == Status.CLOSED
    priority = changes.get("priority", ticket.priority)
    is_reopened = current.closed_at is not None and not is_closed
    is_new_priority = priority != ticket.priority or (is_reopened and current.is_outdated)
    if not is_new_priority and is_closed == (current.closed_at is not None):
        return current
    terms = terms_of(priority) if is_new_priority else None
    if current.closed_at and is_closed and terms:
        return clock.reprioritise(current, terms=terms)
    business_hours = terms.business_hours if terms else business_hours_of(ticket)
    if current.closed_at:
        current = clock.reopen(current, at=at, business_hours=business_hours)
    elif is_closed and current.held_at:
        current = clock.resume(current, at=at, business_hours=business_hours)
    if terms:
        current = clock.reprioritise(current, terms=terms)
    return clock.close(current, at=in_milliseconds(at), business_hours=business_hours) if is_closed else current
