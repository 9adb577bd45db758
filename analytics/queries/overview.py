"""The numbers of the admin's overview and of the weekly report."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from analytics.days import Days
from kit.db import sql

# The dashboard stops counting breached tickets, unassigned tickets and undelivered mail here, and shows "1,000+".
COUNT_LIMIT = 1_000
# The number of types and of projects shown, the largest ones.
CHART_ROWS = 8
# About how many tickets are read for the durations of a span. More are sampled: the median of so many differs from that
# of all by about half a percentile.
SAMPLED = 10_000
# One ticket in this many is in the sample that has an index (kit/db/sampling.py).
INDEXED_SAMPLE = 16


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
    project_ids: list[int]
    projects: dict[str, int]


def desk(*, days: Days, at: datetime) -> Desk:
    """Return the state of the desk at `at`, and its activity on some days."""
    row = sql.row(
        "analytics/desk",
        at=at,
        days_from=days.first,
        days_until=days.last + timedelta(days=1),
        most=COUNT_LIMIT,
        rows=CHART_ROWS,
    )
    for names, numbers in (("priorities", "by_priority"), ("types", "by_type"), ("projects", "by_project")):
        row[names] = dict(zip(row[names], row.pop(numbers), strict=True))
    return Desk(**row)


@dataclass(frozen=True)
class Times:
    """How many tickets were closed and answered, overall or by one team or person, and how long that took, in seconds.

    The numbers are estimates if the tickets were sampled. Durations are None if nothing was closed or answered.
    """

    kind: str
    id: int | None
    name: str | None
    closed: int
    met: int
    answered: int
    resolution_median: float | None
    resolution_p90: float | None
    response_median: float | None
    response_p90: float | None


@dataclass(frozen=True, kw_only=True)
class AllTimes:
    """The times overall, and a page each of the teams and people with the most tickets, the largest number first."""

    overall: Times
    teams: list[Times]
    people: list[Times]
    has_more_teams: bool
    has_more_people: bool
    is_sampled: bool


NO_TIMES = Times("all", None, None, 0, 0, 0, None, None, None, None)


def times(*, days: Days, tickets: int, page_size: int, teams_after: int = 0, people_after: int = 0) -> AllTimes:
    """Return the times of a span of days. `tickets` is about how many were closed or answered in it."""
    one_in = math.ceil(max(tickets, 1) / SAMPLED)
    if one_in >= INDEXED_SAMPLE:
        one_in -= one_in % INDEXED_SAMPLE
    rows = sql.rows(
        "analytics/times",
        starts_at=days.span.starts_at,
        ends_at=days.span.ends_at,
        one_in=one_in,
        teams_after=teams_after,
        people_after=people_after,
        page_size=page_size + 1,
    )
    for row in rows:
        row |= {name: row[name] * one_in for name in ("closed", "met", "answered")}
    found = [Times(**row) for row in rows]
    teams, people = ([each for each in found if each.kind == kind] for kind in ("team", "person"))
    return AllTimes(
        overall=next((each for each in found if each.kind == "all"), NO_TIMES),
        teams=teams[:page_size],
        people=people[:page_size],
        has_more_teams=len(teams) > page_size,
        has_more_people=len(people) > page_size,
        is_sampled=one_in > 1,
    )
