"""Analytics in raw SQL: one statement per answer, so all of its numbers come from the same snapshot.

The files in sql/ define what is counted; the serializers define names and rounding.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
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


# The dashboard stops counting breached tickets, unassigned tickets and undelivered mail here, and shows "1,000+".
COUNT_LIMIT = 1_000
# The number of types and of projects shown, the largest ones.
CHART_ROWS = 8


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The state of the desk now, and its activity on some UTC days.

    `open`, `breached` and `unassigned` count tickets not closed now (the last two up to COUNT_LIMIT). `met` and
    `missed` count tickets closed on these days. `created` and `closed` have one number per day; the rest counts the
    tickets created, by kind.
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
    """Return the state of the desk at `at`, and its activity on the last `days` UTC days, today included."""
    today = at.astimezone(UTC).date()
    row = sql.row(
        "analytics/desk",
        at=at,
        days_from=today - timedelta(days=days - 1),
        days_until=today + timedelta(days=1),
        most=COUNT_LIMIT,
        rows=CHART_ROWS,
    )
    for names, numbers in (("priorities", "by_priority"), ("types", "by_type"), ("projects", "by_project")):
        row[names] = dict(zip(row[names], row.pop(numbers), strict=True))
    return Desk(**row)


@dataclass(frozen=True)
class Money:
    """Money taken in one currency. `revenue` is net of `refunded`."""

    currency: str
    revenue: Decimal
    refunded: Decimal


@dataclass(frozen=True)
class SeatCounts:
    """Seats sold and returned in a period, and the seats `held` and bookings `waiting` at the end of it."""

    sold: int
    cancelled: int
    held: int
    waiting: int


@dataclass(frozen=True)
class SoldDay(SeatCounts):
    """Sales on one day. `money` has the currencies in which money moved."""

    day: date
    money: list[Money]


@dataclass(frozen=True)
class SoldEvent(SeatCounts, Money):
    """Sales of one event in a span. `for_sale` is the number now."""

    id: int
    name: str
    starts_at: datetime
    capacity: int
    for_sale: int

    @property
    def fill(self) -> Decimal:
        """Return the share of the seats for sale that are held, from 0 to 1."""
        return Decimal(self.held) / self.for_sale if self.for_sale else Decimal(0)


@dataclass(frozen=True)
class BoxOffice(SeatCounts):
    """Sales of all events, or of one, in a span. `money` has the currencies in which money moved.

    `events` is a page of the events with any movement, newest first. `next_id` is the cursor of the next page, or None.
    """

    money: list[Money]
    days: list[SoldDay]
    events: list[SoldEvent]
    next_id: int | None


def box_office(*, span: Span, event_id: int | None = None, page_size: int, before_id: int | None = None) -> BoxOffice:
    """Add up the sales in a span, which must have both bounds. Amounts of different currencies are kept apart.

    Reads the ledger only from the start of the span onwards, and works back from the current totals.
    """
    row = sql.row(
        "analytics/box_office",
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        utc_offset=span.utc_offset,
        first_day=span.first_day,
        last_day=span.last_day,
        event_id=event_id,
        before_id=before_id,
        page_size=page_size + 1,
    )
    money_of = _money_by_day(row)
    counts = ["sold", "cancelled", "held", "waiting"]
    days = [
        SoldDay(sold, cancelled, held, waiting, day, money_of.get(day, []))
        for sold, cancelled, held, waiting, day in zip(
            *(row[f"days_{name}"] for name in counts), row["days"], strict=True
        )
    ]
    columns = ["currencies", "revenue", "refunded", *counts, "ids", "names", "starts", "capacities", "for_sale"]
    events = [SoldEvent(*values) for values in zip(*(row[f"event_{name}"] or () for name in columns), strict=True)]
    return BoxOffice(
        sold=sum(day.sold for day in days),
        cancelled=sum(day.cancelled for day in days),
        held=row["held"],
        waiting=row["waiting"],
        money=_total(money for day in days for money in day.money),
        days=days,
        events=events[:page_size],
        next_id=events[page_size - 1].id if len(events) > page_size else None,
    )


def _money_by_day(row: dict[str, Any]) -> dict[date, list[Money]]:
    names = ["days", "currencies", "revenue", "refunded"]
    moved: dict[date, list[Money]] = {}
    for day, *money in zip(*(row[f"money_{name}"] or () for name in names), strict=True):
        moved.setdefault(day, []).append(Money(*money))
    return moved


def _total(moved: Iterable[Money]) -> list[Money]:
    """Add up the money of each currency."""
    totals: dict[str, Money] = {}
    for money in moved:
        so_far = totals.get(money.currency, Money(money.currency, Decimal(0), Decimal(0)))
        totals[money.currency] = Money(money.currency, so_far.revenue + money.revenue, so_far.refunded + money.refunded)
    return [totals[currency] for currency in sorted(totals)]


@dataclass(frozen=True)
class Fault:
    """A daily count that differs from the tickets, or a monthly count that differs from the daily ones."""

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
            f"{self.day}, project {self.project_id}, {self.status}, {self.priority}, {self.type}: "
            f"counted {self.counted_tickets} tickets, actual {self.tickets}; "
            f"counted {self.counted_spent} spent, actual {self.spent}"
        )


def daily_count_faults() -> list[Fault]:
    """Compare the daily counts with the tickets in one snapshot, and the months with the days. Reads every ticket."""
    rows = [*sql.rows("analytics/daily_count_faults"), *sql.rows("analytics/monthly_count_faults")]
    return [Fault(**row) for row in rows]


@dataclass(frozen=True)
class LastDayFault:
    """A last day of a creator on which there is no ticket in that project, or one that is missing."""

    user_id: int
    day: date
    project_id: int | None
    is_missing: bool

    def __str__(self) -> str:
        if self.is_missing:
            return f"User {self.user_id}: created tickets on {self.day}, after the last day known"
        return f"User {self.user_id}: created no ticket on {self.day} in project {self.project_id}"


def last_day_faults() -> list[LastDayFault]:
    """Compare the last days of creators with the tickets in one snapshot. Reads every ticket."""
    return [LastDayFault(**row) for row in sql.rows("analytics/last_day_faults")]
