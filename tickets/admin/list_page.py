"""The list of tickets: columns, filters and search. Nothing here runs a COUNT: there may be a million tickets."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from kit.admin.forms import ServiceAdmin, is_id
from kit.admin.search import SearchMixin
from tickets.admin.filters import LabelFilter, QueueFilter, SlaFilter
from tickets.admin.labels import PRIORITY_COLOURS, STATUS_COLOURS
from tickets.models import Ticket, TicketQuerySet


class TicketChangeList(ChangeList):
    def get_queryset(self, *args: Any, **kwargs: Any) -> QuerySet[Ticket]:
        return cast(TicketQuerySet, super().get_queryset(*args, **kwargs)).with_assignees()


class ListPage(SearchMixin, ServiceAdmin):
    list_display = [
        "id",
        "title_by_key",
        "project",
        "status_label",
        "priority_label",
        "type",
        "creator",
        "assignee_names",
        "created_at",
        "sla_due_at",
    ]
    list_display_links = ["id", "title_by_key"]
    list_filter = [
        "status",
        "priority",
        SlaFilter,
        QueueFilter,
        LabelFilter,
        ("project", AutocompleteSelectFilter),
        "created_at",
    ]
    list_filter_submit = True
    # Facets would run a COUNT for each choice of each filter.
    show_facets = admin.ShowFacets.NEVER
    list_select_related = ["project", "created_by"]
    list_fullwidth = True
    search_fields = ["title", "description"]
    search_help_text = "A ticket number, or words from the title or description"
    sortable_by = ["id", "title_by_key", "created_at", "sla_due_at"]
    ordering = ["-created_at"]

    @admin.display(description="title", ordering="title_key")
    def title_by_key(self, ticket: Ticket) -> str:
        return ticket.title

    @display(description="status", label=STATUS_COLOURS)
    def status_label(self, ticket: Ticket) -> tuple[str, str]:
        return ticket.status, ticket.get_status_display()

    @display(description="priority", label=PRIORITY_COLOURS)
    def priority_label(self, ticket: Ticket) -> tuple[str, str]:
        return ticket.priority, ticket.get_priority_display()

    @admin.display(description="created by")
    def creator(self, ticket: Ticket) -> str:
        return ticket.created_by.name

    @admin.display(description="assignees")
    def assignee_names(self, ticket: Ticket) -> str:
        return ", ".join(assignment.user.name for assignment in ticket.assignments.all())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TicketChangeList

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """Return a paginator that runs no COUNT on tickets: counting a million takes longer than showing a page."""
        if queryset.model is Ticket:
            return InfinitePaginator(queryset, *args, **kwargs)
        return super().get_paginator(request, queryset, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Ticket], search_term: str
    ) -> tuple[QuerySet[Ticket], bool]:
        """Find a ticket by its number, with or without "#", or else by words, as the API does."""
        number = search_term.strip().removeprefix("#")
        if is_id(number):
            by_number = queryset.filter(pk=int(number))
            if by_number.exists():
                return by_number, False
        return super().get_search_results(request, queryset, search_term)
