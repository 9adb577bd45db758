"""The list of tickets: queues, columns, filters and search. Nothing here counts all rows: there may be a million."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe
from unfold import paginator
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.views import ChangeList

from accounts.admin.person_picker import PersonFilter
from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin
from kit.admin.search import SearchMixin
from tickets.admin.filters import QUEUE, LabelFilter, SlaFilter, chosen_queue, ticket_number
from tickets.admin.labels import PRIORITY_COLOURS, STATUS_COLOURS, sla_label
from tickets.admin.queues import (
    EMPTY_NOTES,
    NOTHING_MATCHES,
    Chip,
    SavedTab,
    Tab,
    chips,
    queue_tabs,
    saved_counts,
    saved_tabs,
)
from tickets.admin.saved_views import SavedViews
from tickets.models import HAVE_CLOSED, Assignment, Queue, Ticket, TicketQuerySet, next_due

# What the list shows. Whole rows have long texts, and a hundred tickets have hundreds of users and projects.
SHOWN = (
    *("title", "status", "priority", "created_at", "project__name", "created_by__name"),
    *("held_at", "closed_at", "sla_due_at", "sla_warn_at", "sla_met"),
)
ASSIGNEES = Prefetch("assignments", Assignment.objects.select_related("user").only("ticket", "user__name"))
UNASSIGNED = mark_safe('<span class="unassigned">Unassigned</span>')


class TicketChangeList(ChangeList):
    empty_template = "admin/tickets/ticket/empty.html"

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.user, self.at, self.query_string = staff_user(request), timezone.now(), request.GET
        self.queue = chosen_queue(request.GET)
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return {name: values for name, values in super().get_filters_params(params).items() if name != QUEUE}

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Ticket]:
        """Filter by queue first: PostgreSQL tests in this order, and comparing a status is faster than searching."""
        tickets = cast(TicketQuerySet, self.model_admin.get_queryset(request))
        self.root_queryset = tickets.in_queue(self.queue, self.user, self.at)
        return super().get_queryset(request, *args, **kwargs)

    def get_filters(self, request: HttpRequest) -> Any:
        """Return the filters. Ours never repeat a ticket, since a user is assigned to it once; other lookups might."""
        specs, has_filters, lookups, may_repeat, has_active = super().get_filters(request)
        return specs, has_filters, lookups, may_repeat and bool(lookups), has_active

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.page_num == 1 and len(self.result_list) < self.list_per_page:
            self.result_count = len(self.result_list)

    @property
    def _is_most_urgent_first(self) -> bool:
        return ORDER_VAR not in self.params and self.queue not in HAVE_CLOSED

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return [next_due(), "id"] if self._is_most_urgent_first else super().get_ordering(request, queryset)

    def get_ordering_field_columns(self) -> dict[int, str]:
        return {} if self._is_most_urgent_first else super().get_ordering_field_columns()

    @cached_property
    def tabs(self) -> list[Tab]:
        """Return the tabs of queues. This runs one query."""
        return queue_tabs(None if self.saved_tab else self.queue, user=self.user, at=self.at)

    @cached_property
    def saved_tabs(self) -> list[SavedTab]:
        """Return the tabs of saved views. This runs one query."""
        return saved_tabs(self.query_string, user=self.user)

    @property
    def own_tabs(self) -> list[SavedTab]:
        return [tab for tab in self.saved_tabs if tab.is_own]

    @property
    def saved_tab(self) -> SavedTab | None:
        """Return the saved view that is shown, the user's own rather than an equal one."""
        return next((tab for tab in self.saved_tabs if tab.is_current), None)

    @cached_property
    def chips(self) -> list[Chip]:
        """Return the active filters. Those by user or project run one query each."""
        return chips(self.query_string)

    @property
    def empty_note(self) -> str:
        """Return what an empty list means."""
        return NOTHING_MATCHES if self.chips else EMPTY_NOTES.get(self.queue, "")

    @property
    def url_of_all(self) -> str:
        """Return the address of the same search among all tickets, "" if there is no search or no need to."""
        if not self.query or self.queue in HAVE_CLOSED:
            return ""
        return str(self.get_query_string({QUEUE: Queue.ALL.value}))


class InfinitePaginator(paginator.InfinitePaginator):
    """Counts nothing, and finds a page within an index before it fetches what the list shows of the page's tickets.

    The theme shows a count unless the class has this name.
    """

    def page(self, number: Any) -> Page[Any]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        tickets = cast("QuerySet[Ticket]", self.object_list)
        on_page = tickets.values("pk")[first : first + self.per_page]
        shown = tickets.filter(pk__in=on_page).only(*SHOWN).prefetch_related(ASSIGNEES)
        return self._get_page(shown, number, self)


class ListPage(SavedViews, SearchMixin, ServiceAdmin):
    list_display = [
        "id",
        "title_by_key",
        "sla",
        "status_label",
        "priority_label",
        "assignee_names",
        "creator",
        "project",
        "created_at",
    ]
    list_display_links = ["title_by_key"]
    list_filter = [
        "status",
        "priority",
        SlaFilter,
        LabelFilter,
        ("project", AutocompleteSelectFilter),
        ("assignees", PersonFilter),
        ("created_by", AutocompleteSelectFilter),
        "created_at",
    ]
    list_filter_submit = True
    list_filter_sheet = True
    # Facets would run a COUNT for each choice of each filter.
    show_facets = admin.ShowFacets.NEVER
    list_select_related = ["project", "created_by"]
    list_fullwidth = True
    list_before_template = "admin/tickets/ticket/queues.html"
    search_fields = ["title", "description"]
    search_help_text = "A ticket number, or words from the title or description"
    sortable_by = ["id", "title_by_key", "sla", "created_at"]
    ordering = ["-created_at"]

    @admin.display(description="title", ordering="title_key")
    def title_by_key(self, ticket: Ticket) -> str:
        return ticket.title

    @admin.display(description="SLA", ordering=next_due())
    def sla(self, ticket: Ticket) -> SafeString:
        return sla_label(ticket, timezone.now())

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
        return ", ".join(assignment.user.name for assignment in ticket.assignments.all()) or UNASSIGNED

    def get_urls(self) -> list[Any]:
        counts = self.admin_site.admin_view(self.counts_view)
        return [path("views/counts/", counts, name="tickets_ticket_count_views"), *super().get_urls()]

    def counts_view(self, request: HttpRequest) -> HttpResponse:
        """Return the numbers to show on the tabs of saved views, which the page asks for when it has loaded."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return JsonResponse({"counts": saved_counts(user=staff_user(request), at=timezone.now())})

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
        number = ticket_number(search_term)
        if number is not None:
            by_number = queryset.filter(pk=number)
            if by_number.exists():
                return by_number, False
        return super().get_search_results(request, queryset, search_term)
