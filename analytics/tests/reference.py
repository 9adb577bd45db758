"""Document 000's analytics in plain Python, to compare the SQL with.

Goes through the tickets one by one, without daily counts or indexes.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, kw_only=True)
class PlainTicket:
    id: int
    created_at: datetime
    creator: int
    creator_is_customer: bool
    is_for_everyone: bool
    assignees: Collection[int]
    status: str
    priority: str
    type: str
    venue: str
    price: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Question:
    """A query and the customer who sends it (None: a member of staff)."""

    viewer: int | None
    start: date | datetime | None = None
    end: date | datetime | None = None
    fields: dict[str, str] = field(default_factory=dict)


def matches(ticket: PlainTicket, question: Question) -> bool:
    is_visible = (
        question.viewer is None
        or ticket.is_for_everyone
        or ticket.creator == question.viewer
        or question.viewer in ticket.assignees
    )
    return (
        is_visible
        and (question.start is None or _rounded_like(question.start, ticket.created_at) >= _formatted(question.start))
        and (question.end is None or _rounded_like(question.end, ticket.created_at) <= _formatted(question.end))
        and all(getattr(ticket, name) == value for name, value in question.fields.items())
    )


def _rounded_like(bound: date | datetime, moment: datetime) -> str:
    return _formatted(moment if isinstance(bound, datetime) else moment.astimezone(UTC).date())


def _formatted(moment: date | datetime) -> str:
    """Format as the API does: a date, or a UTC time in milliseconds. The texts sort like the values."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return moment.isoformat()


def figures(tickets: Sequence[PlainTicket], question: Question) -> dict[str, Any]:
    found = [ticket for ticket in tickets if matches(ticket, question)]
    by_customers = [ticket for ticket in found if ticket.creator_is_customer]
    statuses = Counter(ticket.status for ticket in found)
    priorities = Counter(ticket.priority for ticket in found)
    times = [bound for bound in (question.start, question.end) if isinstance(bound, datetime)]
    days = sorted(ticket.created_at.astimezone(times[0].tzinfo if times else UTC).date() for ticket in found)
    begin = _day(question.start) or (days[0] if days else None)
    end = _day(question.end) or (days[-1] if days else None)
    return {
        "tickets": len(found),
        "open": statuses["open"],
        "in_progress": statuses["in-progress"],
        "closed": statuses["closed"],
        "low": priorities["low"],
        "medium": priorities["medium"],
        "high": priorities["high"],
        "types": dict(Counter(ticket.type for ticket in found)),
        "days": max((end - begin).days + 1, 1) if days and begin and end else 1,
        "spent": sum((ticket.price or Decimal(0) for ticket in by_customers), Decimal(0)),
        "customers": len({ticket.creator for ticket in by_customers}),
    }


def newest_first(tickets: Sequence[PlainTicket], question: Question) -> list[int]:
    found = [ticket for ticket in tickets if matches(ticket, question)]
    return [ticket.id for ticket in sorted(found, key=lambda ticket: (ticket.created_at, ticket.id), reverse=True)]


def _day(moment: date | datetime | None) -> date | None:
    return moment.date() if isinstance(moment, datetime) else moment
