"""Document 000's figures once more, in plain Python over plain tickets: what the SQL is compared with.

Written from the contract, one ticket after the other, without days, cells or indexes.
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
    """Who asks (None: somebody of the staff) for what."""

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
        and (question.start is None or _at_precision_of(question.start, ticket.created_at) >= _shown(question.start))
        and (question.end is None or _at_precision_of(question.end, ticket.created_at) <= _shown(question.end))
        and all(getattr(ticket, name) == value for name, value in question.fields.items())
    )


def _at_precision_of(bound: date | datetime, moment: datetime) -> str:
    return _shown(moment if isinstance(bound, datetime) else moment.astimezone(UTC).date())


def _shown(moment: date | datetime) -> str:
    """As answers show it: a date, or a time in milliseconds of UTC. Such texts compare as what they stand for does."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return moment.isoformat()


def figures(tickets: Sequence[PlainTicket], question: Question) -> dict[str, Any]:
    found = [ticket for ticket in tickets if matches(ticket, question)]
    by_customers = [ticket for ticket in found if ticket.creator_is_customer]
    statuses = Counter(ticket.status for ticket in found)
    priorities = Counter(ticket.priority for ticket in found)
    days = sorted(ticket.created_at.astimezone(UTC).date() for ticket in found)
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
        "days": (end - begin).days + 1 if days and begin and end else 1,
        "spent": sum((ticket.price or Decimal(0) for ticket in by_customers), Decimal(0)),
        "customers": len({ticket.creator for ticket in by_customers}),
    }


def newest_first(tickets: Sequence[PlainTicket], question: Question) -> list[int]:
    found = [ticket for ticket in tickets if matches(ticket, question)]
    return [ticket.id for ticket in sorted(found, key=lambda ticket: (ticket.created_at, ticket.id), reverse=True)]


def _day(moment: date | datetime | None) -> date | None:
    return moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment
