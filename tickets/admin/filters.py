"""Filters of the ticket list, and which queue a query string selects."""

from collections.abc import Mapping
from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import TextFilter
from unfold.contrib.filters.forms import SearchForm

from kit.admin.forms import is_id
from sla.models import SlaState
from tickets.forms import LabelsInput
from tickets.models import Queue, Status, Ticket, TicketQuerySet
from tickets.models.label import normalized

QUEUE = "queue"
# The search box. It also takes the number of a ticket.
SEARCH = "q"


class SlaFilter(admin.SimpleListFilter):
    """The same choices as in the API."""

    title = "SLA"
    parameter_name = "sla"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("breached", "Breached"), ("at-risk", "At risk"), ("met", "Met"), ("missed", "Missed")]

    def queryset(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
        tickets = cast(TicketQuerySet, tickets)
        match self.value():
            case "breached":
                return tickets.breached(timezone.now())
            case "at-risk":
                return tickets.at_risk(timezone.now())
            case "met":
                return tickets.met()
            case "missed":
                return tickets.missed()
        return tickets


class LabelFilterForm(SearchForm):
    """Its field suggests labels."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        self.fields[name].widget = LabelsInput()

    class Media:
        js = ("kit/labels.js",)
        css = {"screen": ("kit/labels.css",)}


class LabelFilter(TextFilter):
    """Labels, separated by commas, all of which tickets must have."""

    form_class = LabelFilterForm
    title = "labels"
    parameter_name = "label"

    def queryset(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
        wanted = normalized((self.value() or "").split(","))
        # The second condition is that of the index.
        return tickets.filter(labels__contains=wanted).exclude(labels=[]) if wanted else tickets


def ticket_number(text: str) -> int | None:
    """Return the number in a search for a ticket by its number, with or without "#"."""
    number = text.strip().removeprefix("#")
    return int(number) if is_id(number) else None


def chosen_queue(query: Mapping[str, Any]) -> Queue:
    """Return the queue that a query string selects. Closed tickets are left out unless it asks for them.

    A ticket's number finds it in whatever queue it is.
    """
    if ticket_number(query.get(SEARCH, "")) is not None:
        return Queue.ALL
    chosen = query.get(QUEUE, "")
    queue = Queue(chosen) if chosen in Queue.values else Queue.ACTIVE
    asks_for_closed = query.get("status__exact") == Status.CLOSED or query.get(SlaFilter.parameter_name) in (
        SlaState.MET,
        SlaState.MISSED,
    )
    return Queue.ALL if queue == Queue.ACTIVE and asks_for_closed else queue
