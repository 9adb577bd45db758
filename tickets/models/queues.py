"""Queues of tickets, as tabs above the admin's list, and the order in which staff work through them."""

from django.db import models
from django.db.models import Case, F, Func, When


class Queue(models.TextChoices):
    """What staff choose tickets from. Closed tickets are only in the last two."""

    MINE = "mine", "Mine"
    UNASSIGNED = "unassigned", "Unassigned"
    AT_RISK = "at-risk", "At risk"
    BREACHED = "breached", "Breached"
    ON_HOLD = "on-hold", "On hold"
    ACTIVE = "active", "All open"
    CLOSED = "closed", "Closed"
    ALL = "all", "All tickets"


HAVE_CLOSED = (Queue.CLOSED, Queue.ALL)


def never() -> Func:
    """Return a time after all others. Python has no infinite one, and pages are found by this key."""
    return Func(template="'9999-12-31 00:00+00'::timestamptz", output_field=models.DateTimeField())


def next_due() -> Case:
    """Return what to sort tickets by to see the most urgent first; those on hold come last.

    Breached tickets come first, since their deadline is the longest past. Has an index.
    """
    return Case(When(held_at__isnull=True, then=F("sla_due_at")), default=never())
