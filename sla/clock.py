"""The SLA clock of a ticket: frozen states, and functions from one state to the next. Does not touch the database.

The clock runs from creation until the ticket is closed, and stops while it is on hold or closed. When it restarts, as
much business time is left as when it stopped, whatever has happened to the policy since. A policy's terms are only
adopted when a ticket is created or given another priority.

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
    # Business time that was left when the clock stopped, since the calendar may change meanwhile. None without a
    # calendar, past the deadline, or if plain SQL stopped the clock.
    left: timedelta | None = None
    # Whether the priority has changed since the ticket was closed, so that the frozen deadline is for another one.
    is_outdated: bool = False

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


def hold(clock: Clock, *, at: datetime, reason: str = "", business_hours: BusinessHours = ROUND_THE_CLOCK) -> Clock:
    """Stop a running clock."""
    left = _left(clock, at=at, business_hours=business_hours)
    return replace(clock, held_at=at, hold_reason=reason, left=left)


def resume(clock: Clock, *, at: datetime, business_hours: BusinessHours = ROUND_THE_CLOCK) -> Clock:
    """End a hold and move the deadline, so that as much time is left as when the clock stopped."""
    return replace(_restart(clock, at=at, business_hours=business_hours), held_at=None, hold_reason="")


def close(clock: Clock, *, at: datetime, business_hours: BusinessHours = ROUND_THE_CLOCK) -> Clock:
    """Stop the clock for good. A ticket on hold counts as closed when it was put on hold."""
    left = clock.left if clock.held_at else _left(clock, at=at, business_hours=business_hours)
    is_met = (clock.held_at or at) <= clock.due_at
    return replace(clock, held_at=None, hold_reason="", closed_at=at, is_met=is_met, left=left)


def reopen(clock: Clock, *, at: datetime, business_hours: BusinessHours = ROUND_THE_CLOCK) -> Clock:
    """Restart the clock of a closed ticket and move the deadline, as `resume` does."""
    restarted = _restart(clock, at=at, business_hours=business_hours)
    return replace(restarted, closed_at=None, is_met=None, is_outdated=False)


def reprioritise(clock: Clock, *, terms: Terms) -> Clock:
    """Recalculate the deadline from new terms. A closed ticket keeps its deadline until it is reopened."""
    if clock.closed_at:
        return replace(clock, is_outdated=True)
    moved = replace(
        clock,
        due_at=terms.deadline(clock.created_at, held_seconds=clock.held_seconds),
        warn_at=terms.deadline(clock.created_at, held_seconds=clock.held_seconds, share=terms.at_risk_share),
        hours=terms.hours,
        calendar=terms.calendar,
    )
    if moved.held_at is None:
        return moved
    return replace(moved, left=_left(moved, at=moved.held_at, business_hours=terms.business_hours))


def _left(clock: Clock, *, at: datetime, business_hours: BusinessHours) -> timedelta | None:
    return business_hours.between(at, clock.due_at) if clock.calendar and at < clock.due_at else None


def _restart(clock: Clock, *, at: datetime, business_hours: BusinessHours) -> Clock:
    if clock.stopped_at is None:
        return clock
    # Whole seconds, rounded up so that nobody loses part of one.
    seconds = math.ceil(business_hours.between(clock.stopped_at, at).total_seconds())
    due_at, warn_at = (
        _moved(moment, by=seconds, business_hours=business_hours) for moment in (clock.due_at, clock.warn_at)
    )
    if clock.left is not None:
        due_at = business_hours.add(at, clock.left)
        warn_at = min(warn_at, due_at)
    return replace(clock, due_at=due_at, warn_at=warn_at, held_seconds=clock.held_seconds + seconds, left=None)


def _moved(moment: datetime, *, by: int, business_hours: BusinessHours) -> datetime:
    # Adding zero hours to a closing time would give the next opening time.
    return business_hours.add(moment, timedelta(seconds=by)) if by else moment
