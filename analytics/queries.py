"""The figures of document 000's analytics, in raw SQL: one statement, and so one snapshot, an answer.

What a span of time means is decided here, what is counted in sql/. Names and rounding are the serializers'.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from ticketing import sql
from ticketing.errors import Invalid

MILLISECOND = timedelta(milliseconds=1)
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)

START_AFTER_END = "The start must not be after the end."


@dataclass(frozen=True)
class Span:
    """When the tickets were created: `starts_at` <= created_at < `ends_at`, None for no bound.

    Both fall on whole milliseconds, the precision that answers show.
    """

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @classmethod
    def between(cls, start: date | datetime | None, end: date | datetime | None) -> "Span":
        """Return what lies between, both inclusive; a date is that whole UTC day, a time its whole millisecond.

        :raises Invalid: start is after end.
        """
        starts_at = None if start is None else _begin(start)
        ends_at = None if end is None else _end(end)
        if starts_at and ends_at and starts_at >= ends_at:
            raise Invalid(fields={"start_at": [START_AFTER_END]})
        return cls(starts_at, ends_at)

    def days(self, *, first: date, last: date) -> int:
        """How many UTC days this is, from that of its start (else `first`) to that of its end (else `last`)."""
        begin = self.starts_at.date() if self.starts_at else first
        end = (self.ends_at - MILLISECOND).date() if self.ends_at else last
        return max((end - begin).days + 1, 1)

    def parts(self, *, by_day: bool) -> dict[str, Any]:
        """This span as the statements take it: its whole UTC days, if `by_day` and it has any, and what is left."""
        first_day, past_days = self._whole_days()
        parts: dict[str, Any] = {"starts_at": self.starts_at, "ends_at": self.ends_at, "has_days": False}
        parts |= dict.fromkeys(["days_from", "days_until", "first_from", "first_until", "last_from", "last_until"])
        if not by_day or first_day >= past_days:
            return parts | {"first_from": self.starts_at or EARLIEST, "first_until": self.ends_at or LATEST}
        parts["has_days"] = True
        if self.starts_at:
            day = date.fromordinal(first_day)
            parts |= {"days_from": day, "first_from": self.starts_at, "first_until": _begin(day)}
        if self.ends_at:
            day = date.fromordinal(past_days)
            parts |= {"days_until": day, "last_from": _begin(day), "last_until": self.ends_at}
        return parts

    def _whole_days(self) -> tuple[int, int]:
        """The first whole UTC day and the one behind the last, as ordinals: they may lie behind the calendar's end."""
        starts_late = self.starts_at is not None and self.starts_at.time() != time.min
        first = (self.starts_at or EARLIEST).toordinal() + starts_late
        return first, (self.ends_at or LATEST).toordinal() + (self.ends_at is None)


def _begin(moment: date | datetime) -> datetime:
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time.min, tzinfo=UTC)
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _end(moment: date | datetime) -> datetime:
    length = MILLISECOND if isinstance(moment, datetime) else timedelta(days=1)
    try:
        return _begin(moment) + length
    except OverflowError:
        # The end of the calendar, less a moment in which no ticket is made.
        return LATEST


@dataclass(frozen=True, kw_only=True)
class TicketFilter:
    """Which tickets are meant; None: any. Types and venues are compared to the letter."""

    span: Span = Span()
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
