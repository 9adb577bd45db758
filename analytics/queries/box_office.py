"""What the box office sold."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from kit.dates import Span
from kit.db import sql


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
class UpcomingEvent:
    """A published event that has not started: seats sold and for sale, and the number of waiting bookings."""

    id: int
    name: str
    starts_at: datetime
    time_zone: str
    sold: int
    for_sale: int
    waiting: int

    @property
    def fill(self) -> float:
        """Return the share of the seats for sale that are sold, from 0 to 1."""
        return self.sold / self.for_sale if self.for_sale else 0.0


def upcoming_events(*, at: datetime, page_size: int) -> list[UpcomingEvent]:
    """Return the published events that start next."""
    return [UpcomingEvent(**row) for row in sql.rows("analytics/upcoming_events", at=at, page_size=page_size)]
