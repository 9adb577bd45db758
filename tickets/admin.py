"""Tickets in the admin, with their assignments in line: never deleted, saved through the services like everywhere."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.forms import PaginationInlineFormSet
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList
from unfold.widgets import UnfoldBooleanWidget

from accounts.models import User
from projects.models import Project
from ticketing import paging
from ticketing.admin import (
    ServiceAdmin,
    ServiceForm,
    changed_values,
    refusals_of,
    said_in,
    signed_in,
    without_shortcuts,
)
from ticketing.errors import Conflict
from tickets import queries, services
from tickets.models import (
    MAX_ASSIGNEES,
    Assignment,
    Calendar,
    Holiday,
    Opening,
    Priority,
    SlaPolicy,
    Status,
    Ticket,
    TicketQuerySet,
)
from tickets.serializers import HistoryQuerySerializer

# A bigint has at most 19.
DIGITS_OF_NO_ID = 20


# The rows of the form.
FIELDS = [
    "title",
    "description",
    ("project", "status"),
    ("type", "priority"),
    ("venue", "price"),
    "due_at",
    "created_by",
]


class ChangedMeanwhile(Conflict):
    message = (
        "Somebody else changed this ticket while you were editing it, and nothing of yours was saved. "
        "Open the page again to see the change."
    )


class TicketForm(ServiceForm):
    # Without it, saving a page that was opened a while ago would undo what others have changed since.
    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    on_hold = forms.BooleanField(
        required=False, widget=UnfoldBooleanWidget, help_text="The clock of the SLA stands still meanwhile."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.fields.pop("seen_version", None)
            self.fields.pop("on_hold", None)
        elif "seen_version" in self.fields:
            self.fields["seen_version"].initial = self.instance.version
            self.fields["on_hold"].initial = self.instance.held_at is not None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.instance.pk and self.cleaned_data.get("seen_version") != self.instance.version:
            self.add_error(None, ChangedMeanwhile.message)
        return cleaned


class AssignmentFormSet(PaginationInlineFormSet):
    def validate_unique(self) -> None:
        """Left to the services, like each form's."""


class AssignmentInline(TabularInline):
    """Somebody is added or taken off; who is there is not turned into somebody else."""

    model = Assignment
    form = ServiceForm
    formset = AssignmentFormSet
    fk_name = "ticket"
    fields = ["user", "since", "by"]
    readonly_fields = ["since", "by"]
    autocomplete_fields = ["user"]
    verbose_name = "assignee"
    verbose_name_plural = "assignees"
    extra = 0
    max_num = MAX_ASSIGNEES
    hide_title = True

    @admin.display(description="assigned at", empty_value="")
    def since(self, assignment: Assignment) -> str | None:
        return date_format(assignment.assigned_at, "DATETIME_FORMAT") if assignment.pk else None

    @admin.display(description="assigned by", empty_value="")
    def by(self, assignment: Assignment) -> str | None:
        return assignment.assigned_by.name if assignment.assigned_by else None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Assignment]:
        return super().get_queryset(request).select_related("user", "assigned_by")

    def get_formset(self, request: HttpRequest, obj: Ticket | None = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.refusals = refusals_of(request)
        return formset

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return without_shortcuts(super().formfield_for_dbfield(db_field, request, **kwargs))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SlaFilter(admin.SimpleListFilter):
    """As the API's list has it."""

    title = "SLA"
    parameter_name = "sla"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("breached", "Breached"), ("at-risk", "At risk"), ("met", "Met"), ("missed", "Missed")]

    def queryset(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
        found = cast(TicketQuerySet, tickets)
        match self.value():
            case "breached":
                return found.breached(timezone.now())
            case "at-risk":
                return found.at_risk(timezone.now())
            case "met":
                return found.met()
            case "missed":
                return found.missed()
        return tickets


class WorkFilter(admin.SimpleListFilter):
    """What there is to do, and whose work it is."""

    title = "work"
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("any", "Not closed"), ("mine", "Mine"), ("nobodys", "Nobody's")]

    def queryset(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
        if self.value() not in dict(self.lookup_choices):
            return tickets
        tickets = tickets.filter(status__in=[Status.OPEN, Status.IN_PROGRESS])
        if self.value() == "mine":
            return tickets.filter(pk__in=Assignment.objects.filter(user=request.user.pk).values("ticket"))
        if self.value() == "nobodys":
            return tickets.filter(~Exists(Assignment.objects.filter(ticket=OuterRef("pk"))))
        return tickets


class TicketList(ChangeList):
    def get_queryset(self, *args: Any, **kwargs: Any) -> QuerySet[Ticket]:
        assignments = Prefetch("assignments", Assignment.objects.select_related("user"))
        return super().get_queryset(*args, **kwargs).prefetch_related(assignments)


@admin.register(Ticket)
class TicketAdmin(ServiceAdmin):
    form = TicketForm
    inlines = [AssignmentInline]
    list_display = [
        "id",
        "title",
        "project",
        "status_label",
        "priority_label",
        "type",
        "creator",
        "assignee_names",
        "created_at",
        "sla_due_at",
    ]
    list_display_links = ["id", "title"]
    list_filter = [
        "status",
        "priority",
        SlaFilter,
        WorkFilter,
        ("project", AutocompleteSelectFilter),
        "created_at",
    ]
    list_filter_submit = True
    # As with the paginator below: these would count for each choice of each filter.
    show_facets = admin.ShowFacets.NEVER
    list_select_related = ["project", "created_by"]
    list_fullwidth = True
    search_fields = ["title"]
    search_help_text = "A ticket's number, or words of its title"
    sortable_by = ["id", "title", "created_at", "sla_due_at"]
    ordering = ["-created_at"]
    autocomplete_fields = ["project", "created_by"]
    readonly_fields = ["created_at", "updated_at", "closed_at", "sla_due_at", "held_at", "version"]
    fieldsets = [
        (None, {"fields": ["seen_version", *FIELDS, "on_hold"]}),
        (
            "Kept by the system",
            {"fields": [("created_at", "updated_at"), ("closed_at", "version"), ("sla_due_at", "held_at")]},
        ),
    ]

    @display(
        description="status",
        label={Status.OPEN: "info", Status.IN_PROGRESS: "warning", Status.CLOSED: "success"},
    )
    def status_label(self, ticket: Ticket) -> tuple[str, str]:
        return ticket.status, ticket.get_status_display()

    @display(description="priority", label={Priority.HIGH: "danger", Priority.MEDIUM: "warning"})
    def priority_label(self, ticket: Ticket) -> tuple[str, str]:
        return ticket.priority, ticket.get_priority_display()

    @admin.display(description="created by")
    def creator(self, ticket: Ticket) -> str:
        return ticket.created_by.name

    @admin.display(description="assignees")
    def assignee_names(self, ticket: Ticket) -> str:
        return ", ".join(assignment.user.name for assignment in ticket.assignments.all())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TicketList

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """For tickets one that does not count: of a million, that is most of the cost of showing a hundred."""
        if queryset.model is Ticket:
            return InfinitePaginator(queryset, *args, **kwargs)
        return super().get_paginator(request, queryset, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Ticket], search_term: str
    ) -> tuple[QuerySet[Ticket], bool]:
        """A number is a ticket's, with or without the # that it is written with elsewhere; else words of the title."""
        number = search_term.strip().removeprefix("#")
        if number.isascii() and number.isdecimal() and len(number) < DIGITS_OF_NO_ID:
            by_number = queryset.filter(pk=int(number))
            if by_number.exists():
                return by_number, False
        return super().get_search_results(request, queryset, search_term)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Ticket | None:
        """The ticket; while it is being saved, locked, so that what the form was checked against still holds then."""
        ticket = super().get_object(request, object_id, from_field)
        if ticket and request.method == "POST" and not refusals_of(request):
            ticket = self.get_queryset(request).locked().filter(pk=ticket.pk).first()
        return ticket

    def get_fieldsets(self, request: HttpRequest, obj: Ticket | None = None) -> Any:
        """A new ticket has none of the system's fields yet, and is an agent's own who may not choose."""
        if obj is not None:
            return super().get_fieldsets(request, obj)
        chosen = [row for row in FIELDS if row != "created_by" or signed_in(request).is_admin]
        return [(None, {"fields": chosen})]

    def get_readonly_fields(self, request: HttpRequest, obj: Ticket | None = None) -> list[str]:
        """Whose ticket it is, admins alone may change."""
        return [*self.readonly_fields, *([] if signed_in(request).is_admin else ["created_by"])]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"created_by": request.user.pk, **super().get_changeform_initial_data(request)}

    def has_delete_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        """Nobody deletes a ticket."""
        return False

    def save_model(self, request: HttpRequest, ticket: Ticket, form: Any, change: bool) -> None:
        values = changed_values(form) if change else dict(form.cleaned_data)
        values.pop("seen_version", None)
        hold = {True: services.hold, False: services.resume}.get(values.pop("on_hold", None))
        if hold:
            hold(ticket_id=ticket.pk, by=signed_in(request), at=timezone.now())
        for name in ("project", "created_by"):
            if name in values:
                values[f"{name}_id"] = values.pop(name).pk
        if change and values:
            services.update(ticket_id=ticket.pk, by=signed_in(request), at=timezone.now(), **values)
        elif not change:
            ticket.pk = services.create(by=signed_in(request), at=timezone.now(), **values).pk

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Take off and assign, in this order: who leaves makes room."""
        leaving = formset.deleted_forms
        joining = [row for row in formset.extra_forms if row.has_changed() and row not in leaving]
        formset.deleted_objects = [row.instance for row in leaving if row.instance.pk]
        formset.changed_objects = []
        formset.new_objects = []
        for row in leaving:
            if row.instance.pk:
                with said_in(row):
                    services.unassign(ticket_id=form.instance.pk, user_id=row.instance.user_id, by=signed_in(request))
        for row in joining:
            with said_in(row):
                user = row.cleaned_data["user"]
                formset.new_objects.append(
                    services.assign(ticket_id=form.instance.pk, user_id=user.pk, by=signed_in(request))
                )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of what happened to the ticket, wherever; Django's own knows only of what was clicked here."""
        response = super().history_view(request, object_id, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            ticket = response.context_data["object"]
            query = HistoryQuerySerializer(data=request.GET)
            (before_id,) = query.validated_data.get("cursor", [None]) if query.is_valid() else [None]
            found = queries.history(ticket_id=ticket.pk, before_id=before_id, limit=paging.MAX_LIMIT + 1)
            page = paging.page(found, limit=paging.MAX_LIMIT, key=lambda item: (item.id,))
            response.context_data["items"] = list(_readable(page.items))
            response.context_data["older"] = page.nextCursor
        return response


def _readable(items: Iterable[queries.Item]) -> Iterator[dict[str, Any]]:
    """Items of a history with what people call things, in two queries at most."""
    changes = [change for item in items for change in item.changes]
    name_of: dict[str, dict[Any, Any]] = {
        "project_id": Project.objects.in_bulk(_values(changes, "project_id")),
        "created_by_id": User.objects.in_bulk(_values(changes, "created_by_id")),
        "status": dict(Status.choices),
        "priority": dict(Priority.choices),
    }
    for item in items:
        yield {
            "at": item.at,
            "by": item.by and item.by.name,
            "door": item.door,
            "changes": [
                {
                    "label": _label(change.field),
                    "before": _readable_value(change.before, name_of.get(change.field, {})),
                    "after": _readable_value(change.after, name_of.get(change.field, {})),
                }
                for change in item.changes
            ],
        }


def _values(changes: Iterable[queries.Change], field: str) -> set[Any]:
    return {value for change in changes if change.field == field for value in (change.before, change.after) if value}


def _label(field: str) -> str:
    if field == queries.ASSIGNEE:
        return capfirst(field)
    return capfirst(str(getattr(Ticket._meta.get_field(field.removesuffix("_id")), "verbose_name", field)))


def _readable_value(value: Any, names: dict[Any, Any]) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return date_format(value, "DATETIME_FORMAT")
    named = names.get(value, value)
    return str(getattr(named, "name", named))


@admin.register(SlaPolicy)
class SlaPolicyAdmin(ModelAdmin):
    """How long tickets may take, for those made or given that priority from now on."""

    list_display = ["priority", "hours", "calendar"]
    list_select_related = ["calendar"]
    fields = ["priority", "hours", "calendar"]
    readonly_fields = ["priority"]
    actions = None

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return without_shortcuts(super().formfield_for_dbfield(db_field, request, **kwargs))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one a priority."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OpeningInline(TabularInline):
    model = Opening
    extra = 0
    hide_title = True


class HolidayInline(TabularInline):
    model = Holiday
    extra = 0
    hide_title = True


@admin.register(Calendar)
class CalendarAdmin(ModelAdmin):
    """When hours of SLA policies count. For deadlines that are worked out from now on."""

    list_display = ["name", "time_zone"]
    inlines = [OpeningInline, HolidayInline]
    actions = None
