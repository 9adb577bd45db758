"""The help desk's part of the overview."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from analytics import queries
from analytics.admin.figures import Card, Cell, Chart, Row, TicketList, alert, day_label
from analytics.admin.period import Period
from analytics.days import Days
from analytics.wording import duration, share

# Teams or people on a page of their table, and the last page.
TABLE_ROWS = 10
MAX_PAGE = 1_000
# Select the tickets of a team or a person in the list.
FILTERS = {"team": "project__id__exact", "person": "assignees__id__exact"}


def desk(request: HttpRequest, period: Period, at: datetime) -> dict[str, Any]:
    """Return the context of the desk. Runs two queries."""
    figures = queries.desk(days=period.days, at=at)
    teams_page, people_page = (_page(request, name) for name in ("teams", "people"))
    times = queries.times(
        days=period.days,
        tickets=max(sum(figures.created), sum(figures.closed)),
        page_size=TABLE_ROWS,
        teams_after=(teams_page - 1) * TABLE_ROWS,
        people_after=(people_page - 1) * TABLE_ROWS,
    )
    tickets = TicketList()

    def tickets_of_project(project_id: int | None) -> str:
        return tickets.created(period.days, project__id__exact=project_id)

    def page_of_person(user_id: int | None) -> str:
        return reverse("admin:accounts_user_change", args=[user_id])

    return {
        "desk_now": now_cards(figures, tickets),
        "desk_cards": period_cards(figures, times.overall, period, tickets),
        "tickets_per_day": tickets_per_day(figures, tickets),
        "ticket_charts": [chart for chart in kinds(figures, period, tickets) if chart.rows],
        "times": [
            {
                "name": "teams",
                "title": "Times by team",
                "heading": "Project",
                "rows": time_rows(times.teams, "team", tickets_of_project, period, tickets),
                **_neighbours(period, teams=teams_page, people=people_page, turn="teams", more=times.has_more_teams),
            },
            {
                "name": "people",
                "title": "Times by person",
                "heading": "Person",
                "rows": time_rows(times.people, "person", page_of_person, period, tickets),
                **_neighbours(period, teams=teams_page, people=people_page, turn="people", more=times.has_more_people),
            },
        ],
        "is_sampled": times.is_sampled,
    }


def now_cards(figures: queries.Desk, tickets: TicketList) -> list[Card]:
    return [
        Card(label="Open tickets", value=f"{figures.open:,}", url=tickets.where(queue="active")),
        alert("SLA breached", figures.breached, tickets.where(sla="breached"), limit=queries.COUNT_LIMIT),
        alert("Unassigned", figures.unassigned, tickets.where(queue="unassigned"), limit=queries.COUNT_LIMIT),
    ]


def period_cards(figures: queries.Desk, times: queries.Times, period: Period, tickets: TicketList) -> list[Card]:
    closed = figures.met + figures.missed
    return [
        Card(label="Created", value=f"{sum(figures.created):,}", url=tickets.created(period.days)),
        Card(label="Closed", value=f"{closed:,}", url=tickets.closed(period.days)),
        Card(
            label="Closed within SLA",
            value=share(figures.met, closed),
            url=tickets.closed(period.days, sla="met"),
            note=f"{figures.met:,} of {closed:,}" if closed else "No tickets were closed in this period",
        ),
        Card(
            label="First response, median",
            value=duration(times.response_median),
            url=tickets.answered(period.days),
            note=f"90% within {duration(times.response_p90)}"
            if times.answered
            else "No first responses in this period",
        ),
        Card(
            label="Resolution, median",
            value=duration(times.resolution_median),
            url=tickets.closed(period.days),
            note=f"90% within {duration(times.resolution_p90)}" if times.closed else "",
        ),
    ]


def tickets_per_day(figures: queries.Desk, tickets: TicketList) -> Chart:
    rows = [
        Row(
            day_label(day),
            [Cell(created, tickets.created(Days(day, day))), Cell(closed, tickets.closed(Days(day, day)))],
            day,
        )
        for day, created, closed in zip(figures.days, figures.created, figures.closed, strict=True)
    ]
    return Chart("tickets-per-day", "Created against closed", "line", "Day", ["Created", "Closed"], rows)


def kinds(figures: queries.Desk, period: Period, tickets: TicketList) -> list[Chart]:
    """Return the charts of the tickets created in the period, by kind."""

    def chart(name: str, numbers: Mapping[str, int], urls: list[str]) -> Chart:
        rows = [Row(label, [Cell(number, url)]) for (label, number), url in zip(numbers.items(), urls, strict=True)]
        return Chart(f"tickets-by-{name}", f"Created by {name}", "bar", capfirst(name), ["Tickets"], rows)

    def urls(filter_name: str, values: Any) -> list[str]:
        return [tickets.created(period.days, **{filter_name: value}) for value in values]

    return [
        chart("priority", _capitalised(figures.priorities), urls("priority__exact", figures.priorities)),
        chart("type", _capitalised(figures.types), urls("type__exact", figures.types)),
        chart("project", figures.projects, urls("project__id__exact", figures.project_ids)),
    ]


def _capitalised(numbers: Mapping[str, int]) -> dict[str, int]:
    return {capfirst(name): number for name, number in numbers.items()}


def time_rows(
    found: Sequence[queries.Times],
    kind: str,
    page_of: Callable[[int | None], str],
    period: Period,
    tickets: TicketList,
) -> list[dict[str, Any]]:
    """Return the rows of the table of teams or people, by `kind`."""
    filter_name = FILTERS[kind]
    return [
        {
            "name": times.name,
            "url": page_of(times.id),
            "closed": f"{times.closed:,}",
            "closed_url": tickets.closed(period.days, **{filter_name: times.id}) if times.closed else "",
            "met": share(times.met, times.closed),
            "met_url": tickets.closed(period.days, **{filter_name: times.id}, sla="met") if times.met else "",
            "resolution_median": duration(times.resolution_median),
            "resolution_p90": duration(times.resolution_p90),
            "answered": f"{times.answered:,}",
            "answered_url": tickets.answered(period.days, kind, times.id) if times.answered else "",
            "response_median": duration(times.response_median),
            "response_p90": duration(times.response_p90),
        }
        for times in found
    ]


def _page(request: HttpRequest, name: str) -> int:
    """Return the page of a table that the query string asks for; the first one unless it is a number in range."""
    asked = request.GET.get(name, "")
    page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= len(str(MAX_PAGE)) else 1
    return min(max(page, 1), MAX_PAGE)


def _neighbours(period: Period, *, teams: int, people: int, turn: str, more: bool) -> dict[str, Any]:
    """Return links to the previous and next page of one of the tables."""
    pages = {"teams": teams, "people": people}

    def link(step: int) -> str:
        return f"{period.url(**pages | {turn: pages[turn] + step})}#{turn}"

    return {"previous": link(-1) if pages[turn] > 1 else "", "next": link(1) if more else "", "page": pages[turn]}
