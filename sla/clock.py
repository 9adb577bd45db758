"""The SLA clock of a ticket: frozen states, and functions from one state to the next. Does not touch the database.

The clock runs from creation until the ticket is closed, and stops while it is on hold or closed. When it restarts, the
deadline moves by the business time that passed while it was stopped.

`tickets.services` applies these functions to tickets. Changes made in plain SQL reach the same states through the
triggers `start_clock` and `step_1_keep_clock`, except that a trigger has no calendar: it never moves a deadline.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sla.business_hours import ROUND_THE_CLOCK, BusinessHours


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a policy promises: how many hours, when they count, and the share of them after which to warn."""

    hours: int
    at_risk_share: float
    calendar: str = ""
    business_hours: BusinessHours = ROUND_THE_CLOCK

    def deadline(self, created_at: datetime, *, held_seconds: int = 0, share: float = 1) -> datetime:
        """Return when `share` of the hours will have passed, plus the time during which the clock was stopped."""
        return self.business_hours.add(
            created_at, share * timedelta(hours=self.hours) + timedelta(seconds=held_seconds)
        )


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The state of a ticket's clock."""

    created_at: datetime
    due_at: datetime
    warn_at: datetime
    # The terms behind the deadline: its hours, and the name of the calendar ("" if they count round the clock).
    hours: int
    calendar: str = ""
    # Business time spent on hold or closed, up to the last restart.
    held_seconds: int = 0
    held_at: datetime | None = None
    hold_reason: str = ""
    closed_at: datetime | None = None
    # Whether the ticket was closed in time; None while it is not closed.
    is_met: bool | None = None

    @property
    def stopped_at(self) -> datetime | None:
        return self.closed_at or self.held_at


def start(*, created_at: datetime, terms: Terms) -> Clock:
    return Clock(
        created_at=created_at,
        due_at=terms.deadline(created_at),
        warn_at=terms.deadline(created_at, share=terms.at_risk_share),
        hours=terms.hours,
        calendar=terms.calendar,
    )


def hold(clock: Clock, *, at: datetime, reason: str = "") -> Clock:
    """Stop a running clock."""
    return replace(clock, held_at=at, hold_reason=reason)


def resume(clock: Clock, *, at: datetime, terms: Terms) -> Clock:
    """End a hold and move the deadline, so that as much time is left as when the clock stopped."""
    return replace(_restart(clock, at=at, terms=terms), held_at=None, hold_reason="")


def close(clock: Clock, *, at: datetime) -> Clock:
    """Stop the clock for good. A ticket on hold counts as closed when it was put on hold."""
    is_met = (clock.held_at or at) <= clock.due_at
    return replace(clock, held_at=None, hold_reason="", closed_at=at, is_met=is_met)


def reopen(clock: Clock, *, at: datetime, terms: Terms) -> Clock:
    """Restart the clock of a closed ticket and move the deadline, as `resume` does."""
    return replace(_restart(clock, at=at, terms=terms), closed_at=None, is_met=None)


def reprioritise(clock: Clock, *, terms: Terms) -> Clock:
    """Recalculate the deadline from new terms. A closed ticket keeps its deadline."""
    return clock if clock.closed_at else _with_deadline(clock, terms=terms, held_seconds=clock.held_seconds)


def _restart(clock: Clock, *, at: datetime, terms: Terms) -> Clock:
    if clock.stopped_at is None:
        return clock
    stopped_for = terms.business_hours.between(clock.stopped_at, at)
    # Whole seconds, rounded up so that nobody loses part of one.
    held_seconds = clock.held_seconds + math.ceil(stopped_for.total_seconds())
    return _with_deadline(clock, terms=terms, held_seconds=held_seconds)


def _with_deadline(clock: Clock, *, terms: Terms, held_seconds: int) -> Clock:
    return replace(
        clock,
        due_at=terms.deadline(clock.created_at, held_seconds=held_seconds),
        warn_at=terms.deadline(clock.created_at, held_seconds=held_seconds, share=terms.at_risk_share),
        hours=terms.hours,
        calendar=terms.calendar,
        held_seconds=held_seconds,
    )
