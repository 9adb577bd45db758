"""How a ticket stores its SLA clock: the columns, and the triggers that keep them consistent.

The functions in sla/clock.py decide what happens to a clock.
"""

from typing import Any

import pgtrigger
from django.db import models
from django.db.models import Q

from kit.db.triggers import trigger
from sla.clock import Clock


class Status(models.TextChoices):
    OPEN = "open"
    IN_PROGRESS = "in-progress"
    CLOSED = "closed"


UNCLOSED = ~Q(status=Status.CLOSED)
# The clock stops while a ticket is on hold, and when it is closed.
CLOCK_RUNS = UNCLOSED & Q(held_at__isnull=True)

COLUMN_OF = {
    "created_at": "created_at",
    "due_at": "sla_due_at",
    "warn_at": "sla_warn_at",
    "hours": "sla_hours",
    "calendar": "sla_calendar",
    "held_seconds": "held_seconds",
    "held_at": "held_at",
    "hold_reason": "hold_reason",
    "closed_at": "closed_at",
    "is_met": "sla_met",
    "left": "sla_left",
    "is_outdated": "sla_is_outdated",
}


def clock_of(ticket: models.Model) -> Clock:
    return Clock(**{name: getattr(ticket, column) for name, column in COLUMN_OF.items()})


def columns_of(clock: Clock) -> dict[str, Any]:
    """Return the values of a ticket's columns for a state of its clock."""
    return {column: getattr(clock, name) for name, column in COLUMN_OF.items()}


CLOCK_TRIGGERS = [
    trigger("tickets/start_clock", when=pgtrigger.Before, operation=pgtrigger.Insert),
    trigger(
        "tickets/step_1_keep_clock",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.AnyChange(
            *("status", "closed_at", "sla_met", "held_at", "hold_reason", "sla_due_at", "sla_warn_at", "sla_hours"),
            *("sla_left", "sla_is_outdated"),
        ),
    ),
]
