"""The weekly report: which week it is about, and its numbers in words."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from analytics import queries
from analytics.days import Days
from analytics.wording import duration, share
from kit.money import readable
from kit.text import counted
from kit.zones import compact, local
from notifications.mails.wording import one_line

# On Mondays, in the zone of settings.TIME_ZONE.
SENT_FROM = time(7)
MAX_ROWS = 10


def monday_of_report(at: datetime) -> date:
    """Return the Monday on which the latest report is sent: this week's, or last week's until Monday morning."""
    now = local(at, settings.TIME_ZONE)
    monday = now.date() - timedelta(days=now.weekday())
    is_early = now.weekday() == 0 and now.time() < SENT_FROM
    return monday - timedelta(days=7) if is_early else monday


def weekly(*, monday: date, at: datetime) -> dict[str, Any]:
    """Return the payload of the report on the week before a Monday. Runs six queries."""
    week = Days.up_to(monday - timedelta(days=1), number=7)
    week_before = Days.up_to(week.first - timedelta(days=1), number=7)
    desk, times = _activity(week, at)
    desk_before, times_before = _activity(week_before, at)
    overall = (times.overall, times_before.overall)
    sales = queries.box_office(span=week.span, page_size=1)
    return {
        "days": str(week),
        "start": week.first.isoformat(),
        "end": week.last.isoformat(),
        "is_sampled": times.is_sampled,
        "sections": [
            {
                "title": "Desk",
                "figures": [
                    _compared("Created", *(f"{sum(each.created):,}" for each in (desk, desk_before))),
                    _compared("Closed", *(f"{sum(each.closed):,}" for each in (desk, desk_before))),
                    _compared(
                        "Closed within SLA", *(share(each.met, each.met + each.missed) for each in (desk, desk_before))
                    ),
                    _compared("First response, median", *(duration(each.response_median) for each in overall)),
                    _compared("First response, 90% within", *(duration(each.response_p90) for each in overall)),
                    _compared("Resolution, median", *(duration(each.resolution_median) for each in overall)),
                    _compared("Resolution, 90% within", *(duration(each.resolution_p90) for each in overall)),
                    *([f"Created with priority {name}", f"{number:,}", ""] for name, number in desk.priorities.items()),
                    ["Open now", f"{desk.open:,}", ""],
                    ["Past their SLA deadline now", _capped(desk.breached), ""],
                    ["Unassigned now", _capped(desk.unassigned), ""],
                ],
            },
            {
                "title": "Box office",
                "figures": [
                    ["Seats sold", f"{sales.sold:,}", f"{sales.cancelled:,} returned"],
                    *(["Revenue", readable(money.revenue, money.currency), _refunded(money)] for money in sales.money),
                    ["Bookings waiting", f"{sales.waiting:,}", "at the end of the week"],
                ],
            },
        ],
        "lists": [
            {"title": "By team", "rows": _time_rows(times.teams)},
            {"title": "By person", "rows": _time_rows(times.people)},
            {"title": "Upcoming events", "rows": _event_rows(at)},
        ],
    }


def _activity(days: Days, at: datetime) -> tuple[queries.Desk, queries.AllTimes]:
    desk = queries.desk(days=days, at=at)
    number = max(sum(desk.created), sum(desk.closed))
    return desk, queries.times(days=days, tickets=number, page_size=MAX_ROWS)


def _compared(label: str, value: str, before: str) -> list[str]:
    return [label, value, f"{before} the week before"]


def _capped(number: int) -> str:
    return f"{number:,}+" if number >= queries.COUNT_LIMIT else f"{number:,}"


def _refunded(money: queries.Money) -> str:
    return f"{readable(money.refunded, money.currency)} refunded" if money.refunded > Decimal(0) else ""


def _time_rows(times: Iterable[queries.Times]) -> list[list[str]]:
    return [[one_line(each.name or ""), ", ".join(_times_in_words(each))] for each in times]


def _times_in_words(times: queries.Times) -> Iterator[str]:
    if times.closed:
        yield (
            f"{times.closed:,} closed ({share(times.met, times.closed)} within SLA, "
            f"median {duration(times.resolution_median)}, 90% within {duration(times.resolution_p90)})"
        )
    if times.answered:
        yield (
            f"{times.answered:,} answered "
            f"(median {duration(times.response_median)}, 90% within {duration(times.response_p90)})"
        )


def _event_rows(at: datetime) -> list[list[str]]:
    return [
        [
            one_line(event.name),
            f"{compact(event.starts_at, event.time_zone)}, {event.sold:,} of {event.for_sale:,} seats sold "
            f"({share(event.sold, event.for_sale)}), {counted(event.waiting, 'booking')} waiting",
        ]
        for event in queries.upcoming_events(at=at, page_size=MAX_ROWS)
    ]
