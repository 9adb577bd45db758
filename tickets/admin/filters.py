"""Filters of the ticket list."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import TextFilter

from tickets.models import Assignment, Status, Ticket, TicketQuerySet
from tickets.models.label import normalized


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


class LabelFilter(TextFilter):
    """Labels, separated by commas, all of which tickets must have."""

    title = "labels"
    parameter_name = "label"

    def queryset(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
        wanted = normalized((self.value() or "").split(","))
        # The second condition is that of the index.
        return tickets.filter(labels__contains=wanted).exclude(labels=[]) if wanted else tickets


class QueueFilter(admin.SimpleListFilter):
    """Tickets that are not closed, by assignee."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "Not closed"), ("mine", "Assigned to me"), ("unassigned", "Unassigned")]

    def queryset(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
        if self.value() not in dict(self.lookup_choices):
            return tickets
        tickets = tickets.filter(status__in=[Status.OPEN, Status.IN_PROGRESS])
        if self.value() == "mine":
            return tickets.filter(pk__in=Assignment.objects.filter(user=request.user.pk).values("ticket"))
        if self.value() == "unassigned":
            return tickets.filter(~Exists(Assignment.objects.filter(ticket=OuterRef("pk"))))
        return tickets
