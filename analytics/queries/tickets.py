"""Counts, averages and lists of the tickets that a user can see."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from accounts.models import User
from accounts.queries import viewer_id
from kit.dates import Span
from kit.db import sql


@dataclass(frozen=True, kw_only=True)
class TicketFilter:
    """Which tickets to count. None matches any; types and venues must match exactly."""

    span: Span = field(default_factory=Span)
    status: str | None = None
    priority: str | None = None
    type: str | None = None
    venue: str | None = None

    def parameters(self, *, viewer: User) -> dict[str, Any]:
        return {
            "viewer_id": viewer_id(viewer),
            "status": self.status,
            "priority": self.priority,
            "type": self.type,
            "venue": self.venue,
            # The daily counts do not include venues.
            **self.span.parts(by_day=self.venue is None),
        }


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Numbers of matching tickets. `types` maps each type that occurs to its number."""

    tickets: int
    open: int
    in_progress: int
    closed: int
    low: int
    medium: int
    high: int
    types: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Dashboard(Figures):
    """Counts, with what the averages need: `days` (at least 1), and the total `spent` by `customers`."""

    days: int
    spent: Decimal
    customers: int


@dataclass(frozen=True, slots=True)
class ListedTicket:
    id: int
    title: str
    status: str
    priority: str
    type: str
    venue: str
    created_at: datetime
    created_by_id: int


@dataclass(frozen=True)
class Position:
    """A position in the list of tickets, newest first: after this ticket."""

    created_at: datetime
    id: int


@dataclass(frozen=True, kw_only=True)
class History(Figures):
    """Counts, and a page of tickets, newest first. `next` is the position of the next page, or None on the last."""

    page: list[ListedTicket]
    next: Position | None


def dashboard(*, viewer: User, filter: TicketFilter) -> Dashboard:  # noqa: A002
    """Count the tickets that `viewer` can see, and add up what customers spent on them.

    Needs one index lookup per customer, and more if few of the customer's tickets match; none for most customers in
    spans that are not over, without other filters, and none at all in short spans, whose tickets are read.
    """
    span = filter.span
    # With both bounds or none, the number of days does not depend on the offset.
    is_open = (span.starts_at is None) != (span.ends_at is None)
    (row,) = sql.prepared(
        "analytics/dashboard",
        **filter.parameters(viewer=viewer),
        utc_offset=span.utc_offset if is_open and span.utc_offset else None,
    )
    # Null where the span has a bound, or if there are no tickets.
    first, last = row.pop("first_day") or date.min, row.pop("last_day") or date.min
    days = span.days(first=first, last=last) if row["tickets"] else 1
    return Dashboard(**_figures(row), days=days)


def history(*, viewer: User, filter: TicketFilter, page_size: int, after: Position | None = None) -> History:  # noqa: A002
    """Count the tickets that `viewer` can see, and list `page_size` of them after `after`."""
    row = sql.row(
        "analytics/history",
        **filter.parameters(viewer=viewer),
        before_at=after and after.created_at,
        before_id=after and after.id,
        # One more than needed, to find out whether there is a next page.
        page_size=page_size + 1,
    )
    page = [ListedTicket(*values) for values in _page(row)]
    is_last = len(page) <= page_size
    end = None if is_last else Position(page[page_size - 1].created_at, page[page_size - 1].id)
    return History(**_figures(row), page=page[:page_size], next=end)


def _page(row: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Remove the columns of the page from the row and return them as rows."""
    names = ["ids", "titles", "statuses", "priorities", "types", "venues", "created_at", "created_by"]
    return zip(*[row.pop(f"page_{name}") or () for name in names], strict=True)


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    types = dict(zip(row.pop("types"), row.pop("tickets_of_types"), strict=True))
    return row | {"types": types}
