"""What the overview's templates show: cards, charts and tables, whose numbers link to what they count."""

from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString

from analytics.admin.answered import Answered
from analytics.days import Days


@dataclass(frozen=True, kw_only=True)
class Card:
    """A figure with its label. An alert is highlighted."""

    label: str
    value: str
    url: str = ""
    note: str = ""
    is_alert: bool = False


def alert(label: str, number: int, url: str, *, limit: int) -> Card:
    """Return a card that is highlighted unless its number is 0. Counting stopped at the limit."""
    value = f"{number:,}+" if number >= limit else f"{number:,}"
    return Card(label=label, value=value, url=url, is_alert=number > 0)


@dataclass(frozen=True)
class Cell:
    """A number of a chart, with the list of what it counts if there is one. `text` is how an amount reads."""

    number: float
    url: str = ""
    text: str = ""

    @property
    def shown(self) -> str:
        return self.text or f"{self.number:,}"

    @property
    def html(self) -> str:
        shown = escape(self.shown)
        linked = f'<a href="{escape(self.url)}">{shown}</a>' if self.url and self.number else shown
        return f'<td data-number="{self.number}">{linked}</td>'


@dataclass(frozen=True)
class Row:
    """The cells of one day or one name, by which the chart's axis is labelled."""

    label: str
    cells: list[Cell]
    day: date | None = None

    @property
    def html(self) -> str:
        day = f' data-day="{self.day}"' if self.day else ""
        cells = "".join(cell.html for cell in self.cells)
        return f'<tr><th scope="row"{day}>{escape(self.label)}</th>{cells}</tr>'


@dataclass(frozen=True)
class Chart:
    """A chart, which the browser draws from its table. `kind` is "line" or "bar"."""

    name: str
    title: str
    kind: str
    heading: str
    series: list[str]
    rows: list[Row]

    @property
    def body(self) -> SafeString:
        """Return the rows as HTML. A template would take most of the page's time for the days of a year."""
        return SafeString("\n".join(row.html for row in self.rows))


class TicketList:
    """Links to the admin's list of tickets with filters."""

    def __init__(self) -> None:
        self.url = reverse("admin:tickets_ticket_changelist")

    def where(self, **filters: object) -> str:
        return f"{self.url}?{urlencode(filters)}"

    def created(self, days: Days, **filters: object) -> str:
        return self.where(queue="all", **filters, **_within("created_at", days))

    def closed(self, days: Days, **filters: object) -> str:
        return self.where(status__exact="closed", **filters, **_within("closed_at", days))

    def answered(self, days: Days, kind: str = "", number: int | None = None) -> str:
        """Return the link to tickets that were first answered on these days, by one person or team if given."""
        return self.where(queue="all", answered=Answered(days, kind, number))


class BookingList:
    """Links to the admin's list of bookings with filters."""

    def __init__(self) -> None:
        self.url = reverse("admin:events_booking_changelist")

    def where(self, **filters: object) -> str:
        return f"{self.url}?{urlencode(filters)}"

    def sold(self, days: Days) -> str:
        return self.where(sold=f"{days.first}..{days.last}")

    def returned(self, days: Days) -> str:
        return self.where(returned=f"{days.first}..{days.last}")

    def paid(self, days: Days, currency: str) -> str:
        return self.where(paid=f"{days.first}..{days.last} {currency}")


def _within(field: str, days: Days) -> dict[str, str]:
    """Return the filter for the rows whose `field` is on these days."""
    first, end = days.first, days.last + timedelta(days=1)
    return {f"{field}__gte": f"{first.isoformat()}T00:00Z", f"{field}__lt": f"{end.isoformat()}T00:00Z"}


def day_label(day: date) -> str:
    return f"{day.day} {day:%b}"
