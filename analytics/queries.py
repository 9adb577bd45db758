"""The figures of document 000's analytics, in raw SQL: one statement, and so one snapshot, an answer.

What is counted is decided in sql/. Names and rounding are the serializers'.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from kit.dates import Span
from kit.db import sql


@dataclass(frozen=True, kw_only=True)
class TicketFilter:
    """Which tickets are meant; None: any. Types and venues are compared to the letter."""

    span: Span = field(default_factory=Span)
    status: str | None = None
    priority: str | None = None
    type: str | None = None
    venue: str | None = None

    def parameters(self, *, viewer: User) -> dict[str, Any]:
        return {
            "viewer_id": None if viewer.is_staff else viewer.pk,
            "status": self.status,
            "priority": self.priority,
            "type": self.type,
            "venue": self.venue,
            # The daily counts know no venue.
            **self.span.parts(by_day=self.venue is None),
        }


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How many tickets match. `types` holds those that occur, by name."""

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
    """`days` is what averages are taken over, at least 1; `spent` is by the `customers` whose tickets match."""

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
    """A place in the list of tickets, newest first: behind this one."""

    created_at: datetime
    id: int


@dataclass(frozen=True, kw_only=True)
class History(Figures):
    """`page` is newest first; `next` is where the following one begins, None when there is none."""

    page: list[ListedTicket]
    next: Position | None


def dashboard(*, viewer: User, filter: TicketFilter) -> Dashboard:  # noqa: A002
    """Count the tickets that `viewer` may see, and what customers spent on them.

    Costs one look into an index for each customer, and more where few of their tickets match.
    """
    row = sql.row("analytics/dashboard", **filter.parameters(viewer=viewer))
    first, last = row.pop("first_day"), row.pop("last_day")
    days = filter.span.days(first=first, last=last) if first else 1
    return Dashboard(**_figures(row), days=days)


def history(*, viewer: User, filter: TicketFilter, page_size: int, after: Position | None = None) -> History:  # noqa: A002
    """Count the tickets that `viewer` may see and list `page_size` of them, those behind `after`."""
    row = sql.row(
        "analytics/history",
        **filter.parameters(viewer=viewer),
        before_at=after and after.created_at,
        before_id=after and after.id,
        # One more tells whether there is a next page.
        page_size=page_size + 1,
    )
    page = [ListedTicket(*values) for values in _page(row)]
    is_last = len(page) <= page_size
    end = None if is_last else Position(page[page_size - 1].created_at, page[page_size - 1].id)
    return History(**_figures(row), page=page[:page_size], next=end)


def _page(row: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Take the page's columns out of the row and turn them into tickets."""
    names = ["ids", "titles", "statuses", "priorities", "types", "venues", "created_at", "created_by"]
    return zip(*[row.pop(f"page_{name}") or () for name in names], strict=True)


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    types = dict(zip(row.pop("types"), row.pop("tickets_of_types"), strict=True))
    return row | {"types": types}


# Beyond this the desk's figures say "more than": to count them all would take longer than anybody waits.
MOST_COUNTED = 10_000
# How many types and projects are told apart.
ROWS = 8


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where the desk stands, and what it did on some UTC days.

    `open`, `breached` and `unassigned` are tickets that are not closed, now (the latter two at most MOST_COUNTED);
    `met` and `missed` those closed on these days; `created` and `closed` by day; the rest those created, by kind.
    """

    open: int
    breached: int
    unassigned: int
    met: int
    missed: int
    days: list[date]
    created: list[int]
    closed: list[int]
    priorities: dict[str, int]
    types: dict[str, int]
    projects: dict[str, int]


def desk(*, days: int, at: datetime) -> Desk:
    """Look at the desk over so many UTC days, the last of them that of `at`."""
    today = at.astimezone(UTC).date()
    row = sql.row(
        "analytics/desk",
        at=at,
        days_from=today - timedelta(days=days - 1),
        days_until=today + timedelta(days=1),
        most=MOST_COUNTED,
        rows=ROWS,
    )
    for names, numbers in (("priorities", "by_priority"), ("types", "by_type"), ("projects", "by_project")):
        row[names] = dict(zip(row[names], row.pop(numbers), strict=True))
    return Desk(**row)


@dataclass(frozen=True)
class Takings:
    """What was sold in some time: seats sold and given back, and the money; `revenue` is what is left of it."""

    sold: int
    cancelled: int
    revenue: Decimal
    refunded: Decimal


@dataclass(frozen=True)
class SoldDay(Takings):
    """A UTC day; `held` seats and `waiting` bookings are as they were at its end."""

    held: int
    waiting: int
    day: date


@dataclass(frozen=True)
class SoldEvent(Takings):
    """An event over a span; `held` and `waiting` are as they were at its end, seats `for_sale` as they are now."""

    held: int
    waiting: int
    id: int
    name: str
    starts_at: datetime
    capacity: int
    for_sale: int

    @property
    def fill(self) -> Decimal:
        """The share of the seats for sale that are held, 0 to 1."""
        return Decimal(self.held) / self.for_sale if self.for_sale else Decimal(0)


@dataclass(frozen=True)
class BoxOffice(Takings):
    """A span, over all events or one; `held` and `waiting` are as they were at its end.

    `events` are those with any movement in it, newest first; `next_id` is where the following page begins.
    """

    held: int
    waiting: int
    days: list[SoldDay]
    events: list[SoldEvent]
    next_id: int | None


def box_office(*, span: Span, event_id: int | None = None, page_size: int, before_id: int | None = None) -> BoxOffice:
    """Add up what the box office's ledger says of a span with both bounds.

    Costs the entries from its start on: what came before is known by the present numbers.
    """
    row = sql.row(
        "analytics/box_office",
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        event_id=event_id,
        before_id=before_id,
        page_size=page_size + 1,
    )
    names = ["sold", "cancelled", "revenue", "refunded", "held", "waiting"]
    days = [SoldDay(*values) for values in zip(*(row[f"days_{name}"] for name in names), row["days"], strict=True)]
    columns = [*names, "ids", "names", "starts", "capacities", "for_sale"]
    events = [SoldEvent(*values) for values in zip(*(row[f"event_{name}"] or () for name in columns), strict=True)]
    return BoxOffice(
        sold=sum(day.sold for day in days),
        cancelled=sum(day.cancelled for day in days),
        revenue=sum((day.revenue for day in days), Decimal(0)),
        refunded=sum((day.refunded for day in days), Decimal(0)),
        held=row["held"],
        waiting=row["waiting"],
        days=days,
        events=events[:page_size],
        next_id=events[page_size - 1].id if len(events) > page_size else None,
    )


@dataclass(frozen=True)
class Fault:
    """A count that is not what the tickets say."""

    day: date
    project_id: int
    status: str
    priority: str
    type: str
    tickets: int
    spent: Decimal
    counted_tickets: int
    counted_spent: Decimal

    def __str__(self) -> str:
        return (
            f"{self.day} project {self.project_id}, {self.status}, {self.priority}, {self.type}: "
            f"{self.counted_tickets} counted, {self.tickets} there; "
            f"{self.counted_spent} spent as counted, {self.spent} in truth"
        )


def daily_count_faults() -> list[Fault]:
    """Compare the derived counts with the tickets, in one snapshot. Takes a pass over all tickets."""
    return [Fault(**row) for row in sql.rows("analytics/daily_count_faults")]
