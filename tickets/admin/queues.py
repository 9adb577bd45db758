"""What is above the list of tickets: tabs for queues and saved views, and a chip for each active filter."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.views.main import ERROR_FLAG, ORDER_VAR, PAGE_VAR
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError

from accounts.models import User
from kit.admin.forms import is_id
from kit.errors import Invalid
from kit.web.query_strings import read_text
from projects.models import Project
from sla.models import Priority
from tickets import queries
from tickets.admin.filters import QUEUE, SEARCH, SlaFilter, chosen_queue, ticket_number
from tickets.admin.saved_views import CREATED_BEFORE, CREATED_FROM, to_admin
from tickets.models import Queue, Status
from tickets.models.label import normalized
from tickets.saved_filters.queries import saved_filters
from tickets.serializers import TicketFilterSerializer

# Nobody reads more tabs.
MAX_SAVED_TABS = 30
# After which the remaining tabs get no count.
MAX_SECONDS_OF_COUNTS = 2
# Parameters of the query string that select no tickets, and the queue, which is a tab.
NO_FILTERS = {QUEUE, ORDER_VAR, PAGE_VAR, ERROR_FLAG, IS_POPUP_VAR, TO_FIELD_VAR}

NOTHING_MATCHES = "Remove a filter, or search all tickets."
EMPTY_NOTES = {
    Queue.MINE: "No open tickets are assigned to you. Take one from Unassigned.",
    Queue.UNASSIGNED: "Every open ticket has an assignee.",
    Queue.AT_RISK: "No deadline is near.",
    Queue.BREACHED: "Every open ticket is within its deadline.",
    Queue.ON_HOLD: "No ticket is waiting for anything.",
    Queue.ACTIVE: "There are no open tickets.",
}


@dataclass(frozen=True)
class Tab:
    title: str
    url: str
    count: str = ""
    is_current: bool = False
    is_alert: bool = False


@dataclass(frozen=True)
class SavedTab:
    title: str
    url: str
    filter_id: int
    is_own: bool
    is_shared: bool
    is_current: bool


@dataclass(frozen=True)
class Chip:
    """An active filter, and the list without it."""

    text: str
    url: str


def queue_tabs(current: Queue | None, *, user: User, at: datetime) -> list[Tab]:
    """Return a tab for each queue, with the number of its tickets. This runs one query.

    `current` is None while a saved view is shown.
    """
    counts = queries.queue_counts(user=user, at=at)
    return [
        Tab(
            title=str(queue.label),
            url=f"?{QUEUE}={queue.value}",
            count=str(counts.get(queue, "")),
            is_current=queue == current,
            is_alert=queue == Queue.BREACHED and counts[queue].number > 0,
        )
        for queue in Queue
    ]


def saved_tabs(query: QueryDict, *, user: User) -> list[SavedTab]:
    """Return a tab for each saved filter, the user's own first. This runs one query."""
    current = selection(query)
    tabs = []
    for row in saved_filters(viewer=user, limit=MAX_SAVED_TABS):
        with suppress(ValidationError, Invalid):
            address = to_admin(row["query"])
            is_current = selection(QueryDict(address)) == current
            tabs.append(SavedTab(row["name"], f"?{address}", row["id"], row["is_own"], row["shared"], is_current))
    return sorted(tabs, key=lambda tab: not tab.is_own)


def saved_counts(*, user: User, at: datetime) -> dict[int, str]:
    """Return the numbers to show on tabs of saved filters, by their ids. This runs one query for each.

    It leaves out those that take too long to count, and those after the first few if all together do.
    """
    counts: dict[int, str] = {}
    until = monotonic() + MAX_SECONDS_OF_COUNTS
    for row in saved_filters(viewer=user, limit=MAX_SAVED_TABS):
        if monotonic() > until:
            break
        with suppress(ValidationError, Invalid):
            shown = QueryDict(to_admin(row["query"]))
            # The list searches for numbers in a way of its own.
            if ticket_number(shown.get(SEARCH, "")) is None:
                chosen = read_text(TicketFilterSerializer, row["query"])["filter"]
                count = queries.saved_count(viewer=user, filter=replace(chosen, queue=chosen_queue(shown)), at=at)
                counts |= {row["id"]: str(count)} if count else {}
    return counts


def selection(query: QueryDict) -> dict[str, str]:
    """Return the parameters of a query string that select tickets."""
    return {name: str(value) for name, value in query.items() if value and name not in NO_FILTERS - {QUEUE}}


def chips(query: QueryDict) -> list[Chip]:
    """Return the active filters of a query string, without the queue. Those by user or project run one query each."""
    return [
        Chip(text=_text(name, str(value)), url=_without(query, name))
        for name, value in query.items()
        if name not in NO_FILTERS and value
    ]


def _without(query: QueryDict, name: str) -> str:
    remaining = query.copy()
    for each in (name, PAGE_VAR, ERROR_FLAG):
        remaining.pop(each, None)
    return f"?{remaining.urlencode()}"


def _text(name: str, value: str) -> str:
    label, text = TEXTS.get(name, (name.replace("__", " ").replace("_", " "), str))
    return f"{label}: {text(value)}"


def _user(value: str) -> str:
    found = User.objects.filter(pk=int(value)).values_list("name", flat=True).first() if is_id(value) else None
    return found or value


def _project(value: str) -> str:
    found = Project.objects.filter(pk=int(value)).values_list("name", flat=True).first() if is_id(value) else None
    return found or value


def _day(value: str) -> str:
    try:
        moment = parse_datetime(value)
    except ValueError:
        moment = None
    return f"{moment:%Y-%m-%d %H:%M}".removesuffix(" 00:00") if moment else value


TEXTS: dict[str, tuple[str, Callable[[str], str]]] = {
    SEARCH: ("Search", str),
    "status__exact": ("Status", lambda value: str(dict(Status.choices).get(value, value))),
    "priority__exact": ("Priority", lambda value: str(dict(Priority.choices).get(value, value))),
    SlaFilter.parameter_name: ("SLA", lambda value: value.replace("-", " ").capitalize()),
    "project__id__exact": ("Project", _project),
    "assignees__id__exact": ("Assignee", _user),
    "created_by__id__exact": ("Created by", _user),
    "type__exact": ("Type", str),
    "label": ("Labels", lambda value: ", ".join(normalized(value.split(",")))),
    "venue__exact": ("Venue", str),
    CREATED_FROM: ("Created from", _day),
    CREATED_BEFORE: ("Created before", _day),
    "closed_at__gte": ("Closed from", _day),
    "closed_at__lt": ("Closed before", _day),
}
