"""Tickets in the admin, with their assignments in line: never deleted, saved through the services like everywhere."""

from collections.abc import Iterator
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.forms import PaginationInlineFormSet
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from accounts.permissions import signed_in
from kit.admin.forms import AutocompleteMixin, ServiceAdmin, ServiceForm, changed_values, is_id, without_related_buttons
from kit.admin.pages import form_page
from kit.admin.refusals import attribute_refusals_to, refusals_as_form_errors, refusals_as_messages, refusals_of
from kit.web import csv_export, paging
from sla.models import Priority, SlaState
from tickets import bulk, exports, queries, readable, services
from tickets.forms import HoldForm, ReplyForm, TicketForm, brought_up_to_date
from tickets.models import MAX_ASSIGNEES, Assignment, Status, Ticket, TicketQuerySet
from tickets.serializers import ConversationQuerySerializer, HistoryQuerySerializer

SHOWN_ENTRIES = 30
STATUS_COLOURS = {Status.OPEN: "info", Status.IN_PROGRESS: "warning", Status.CLOSED: "success"}
PRIORITY_COLOURS = {Priority.HIGH: "danger", Priority.MEDIUM: "warning"}
SLA_COLOURS = {SlaState.AT_RISK: "warning", SlaState.BREACHED: "danger", SlaState.MISSED: "danger"}
# What may be done to the status along with a comment.
STATUS_BUTTONS = {
    Status.OPEN: [(Status.IN_PROGRESS, "Comment and begin"), (Status.CLOSED, "Comment and close")],
    Status.IN_PROGRESS: [(Status.CLOSED, "Comment and close"), (Status.OPEN, "Comment and set open")],
    Status.CLOSED: [(Status.OPEN, "Comment and reopen")],
}


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


class AssignmentFormSet(PaginationInlineFormSet):
    def validate_unique(self) -> None:
        """Left to the services, like each form's."""


class AssignmentInline(AutocompleteMixin, TabularInline):
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
        return without_related_buttons(super().formfield_for_dbfield(db_field, request, **kwargs))

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
        return cast(TicketQuerySet, super().get_queryset(*args, **kwargs)).with_assignees()


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
    search_help_text = "A ticket's number, or beginnings of words of its title or description"
    sortable_by = ["id", "title", "created_at", "sla_due_at"]
    ordering = ["-created_at"]
    autocomplete_fields = ["project", "created_by"]
    readonly_fields = ["created_at", "updated_at", "closed_at", "sla_due_at", "held_at", "hold_reason", "version"]
    fieldsets = [
        (None, {"fields": ["seen_version", *FIELDS]}),
        (
            "Kept by the system",
            {
                "fields": [
                    ("created_at", "updated_at"),
                    ("closed_at", "version"),
                    ("sla_due_at", "held_at"),
                    "hold_reason",
                ]
            },
        ),
    ]
    change_form_outer_before_template = "admin/tickets/ticket/before_form.html"
    actions: list[str] | None = ["assign_somebody", "set_status", "set_priority", "export"]

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
        return TicketList

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Any:
        """For tickets one that does not count: of a million, that is most of the cost of showing a hundred."""
        if queryset.model is Ticket:
            return InfinitePaginator(queryset, *args, **kwargs)
        return super().get_paginator(request, queryset, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Ticket], search_term: str
    ) -> tuple[QuerySet[Ticket], bool]:
        """A number is a ticket's, with or without the # that it bears elsewhere; else words, as the API has them."""
        number = search_term.strip().removeprefix("#")
        if is_id(number):
            by_number = queryset.filter(pk=int(number))
            if by_number.exists():
                return by_number, False
        if not search_term.strip():
            return queryset, False
        # By an index: words within words would take a look at every ticket.
        words = queries.words(search_term)
        return cast(TicketQuerySet, queryset).search(words) if words else queryset.none(), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Ticket | None:
        """The ticket; while it is being saved, locked, so that what the form was checked against still holds then.

        What was sent from a page of an older version is brought up to date, to be looked at and sent again.
        """
        ticket = super().get_object(request, object_id, from_field)
        if ticket and request.method == "POST" and not refusals_of(request):
            ticket = self.get_queryset(request).locked().filter(pk=ticket.pk).first()
            if ticket and request.POST.get("seen_version", str(ticket.version)) != str(ticket.version):
                form = self.get_form(request, ticket, change=True)(instance=ticket)
                kept, differences = brought_up_to_date(request.POST, ticket, form)
                request.POST = kept  # type: ignore[assignment]
                request.differences = differences  # type: ignore[attr-defined]
        return ticket

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.is_stale = hasattr(request, "differences")
        return form

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With what was said and done; a form that was refused comes back alone."""
        ticket = context["original"]
        context["differences"] = getattr(request, "differences", None)
        if ticket and request.method == "GET":
            context |= self._conversation(request, ticket)
        return super().render_change_form(request, context, *args, **kwargs)

    def _conversation(self, request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
        query = ConversationQuerySerializer(data=request.GET)
        before = query.validated_data.get("cursor", queries.NEWEST) if query.is_valid() else queries.NEWEST
        found, earlier = queries.conversation(
            ticket_id=ticket.pk, viewer=signed_in(request), before=before, limit=SHOWN_ENTRIES
        )
        items = {item["id"]: item for item in readable.items(each for each in found if isinstance(each, queries.Item))}
        return {
            "ticket": ticket,
            "labels": list(_labels(ticket)),
            "assignees": [assignment.user for assignment in ticket.assignments.select_related("user")],
            "entries": [items[each.id] if isinstance(each, queries.Item) else {"comment": each} for each in found],
            "earlier": earlier and paging.encode(*earlier),
            "is_newest": before == queries.NEWEST,
            "reply_form": ReplyForm(auto_id="reply_%s"),
            "status_buttons": STATUS_BUTTONS[Status(ticket.status)],
        }

    def get_urls(self) -> list[Any]:
        pages = [
            ("<int:ticket_id>/comment/", self.comment_view, "comment"),
            ("<int:ticket_id>/hold/", self.hold_view, "hold"),
            ("<int:ticket_id>/resume/", self.resume_view, "resume"),
            ("many/<str:name>/", self.many_view, "many"),
        ]
        ours = [
            path(route, self.admin_site.admin_view(view), name=f"tickets_ticket_{name}") for route, view, name in pages
        ]
        return [*ours, *super().get_urls()]

    def comment_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        ticket = self._to_work_on(request, ticket_id)
        form = ReplyForm(request.POST or None)
        if form.is_valid():
            with refusals_as_form_errors(form):
                services.reply(ticket_id=ticket.pk, by=signed_in(request), at=timezone.now(), **form.cleaned_data)
                self.message_user(request, "Your comment was added.", messages.SUCCESS)
                return HttpResponseRedirect(ticket_page(ticket))
        status = dict(Status.choices).get(form["status"].value())
        return form_page(
            self,
            request,
            form,
            title=f"Comment on #{ticket.pk}: {ticket.title}",
            notes=[f"Its status becomes “{status}” along with it."] if status else [],
            submit="Comment",
            back=ticket_page(ticket),
        )

    def hold_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        ticket = self._to_work_on(request, ticket_id)
        form = HoldForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with refusals_as_form_errors(form):
                services.hold(ticket_id=ticket.pk, by=signed_in(request), at=timezone.now(), **form.cleaned_data)
                self.message_user(request, "On hold: its clock stands still.", messages.SUCCESS)
                return HttpResponseRedirect(ticket_page(ticket))
        return form_page(
            self,
            request,
            form,
            title=f"Put #{ticket.pk} on hold: {ticket.title}",
            notes=["The clock of the SLA stands still until the ticket is resumed or closed."],
            submit="Put on hold",
            back=ticket_page(ticket),
        )

    def resume_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        ticket = self._to_work_on(request, ticket_id)
        if request.method == "POST":
            with refusals_as_messages(request):
                services.resume(ticket_id=ticket.pk, by=signed_in(request), at=timezone.now())
                self.message_user(request, "Resumed: its clock goes on.", messages.SUCCESS)
        return HttpResponseRedirect(ticket_page(ticket))

    def _to_work_on(self, request: HttpRequest, ticket_id: int) -> Ticket:
        if not self.has_change_permission(request):
            raise PermissionDenied
        ticket = Ticket.objects.visible_to(signed_in(request)).filter(pk=ticket_id).first()
        if ticket is None:
            raise Http404
        return ticket

    @admin.action(description="Assign somebody", permissions=["change"])
    def assign_somebody(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._ask_about_many(request, "assign", tickets)

    @admin.action(description="Set the status", permissions=["change"])
    def set_status(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._ask_about_many(request, "status", tickets)

    @admin.action(description="Set the priority", permissions=["change"])
    def set_priority(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponse:
        return self._ask_about_many(request, "priority", tickets)

    @admin.action(description="Export as CSV", permissions=["view"])
    def export(self, request: HttpRequest, tickets: QuerySet[Ticket]) -> HttpResponseBase:
        chosen = cast(TicketQuerySet, tickets.prefetch_related(None)).visible_to(signed_in(request))
        return csv_export.answer("tickets", exports.chosen(chosen))

    def _ask_about_many(self, request: HttpRequest, name: str, tickets: QuerySet[Ticket]) -> HttpResponse:
        found = list(tickets.values_list("pk", flat=True)[: bulk.MOST + 1])
        form = self._many_form(request, name, initial={"tickets": ",".join(map(str, found[: bulk.MOST]))})
        return self._many_page(request, name, form, is_cut=len(found) > bulk.MOST)

    def many_view(self, request: HttpRequest, name: str) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        if name not in bulk.KINDS:
            raise Http404
        if request.method != "POST":
            return HttpResponseRedirect(self._list_page(request))
        kind, form = bulk.KINDS[name], self._many_form(request, name, data=request.POST)
        if not form.is_valid():
            return self._many_page(request, name, form)
        value = form.cleaned_data[kind.field]
        outcome = bulk.do(kind, form.cleaned_data["tickets"], by=signed_in(request), value=value)
        if outcome.changed:
            self.message_user(request, f"{bulk.tickets(len(outcome.changed))} changed.", messages.SUCCESS)
        if outcome.unchanged:
            self.message_user(request, f"{bulk.tickets(len(outcome.unchanged))} had it already.", messages.INFO)
        for reason, refused in outcome.refused.items():
            sentence = f"{bulk.tickets(len(refused))} refused: {reason} ({bulk.some(refused)})."
            self.message_user(request, sentence, messages.WARNING)
        return HttpResponseRedirect(self._list_page(request))

    def _many_form(self, request: HttpRequest, name: str, **kwargs: Any) -> bulk.ManyForm:
        kind = bulk.KINDS[name]
        assignments = AssignmentInline(Ticket, self.admin_site)
        field = (
            kind.choice()
            if kind.choices
            # As a row of the ticket's own page would ask for it: found as it is typed.
            else assignments.formfield_for_dbfield(Assignment._meta.get_field("user"), request)
        )
        return bulk.ManyForm(name=kind.field, field=field, **kwargs)

    def _many_page(self, request: HttpRequest, name: str, form: bulk.ManyForm, *, is_cut: bool = False) -> HttpResponse:
        ids = str(form["tickets"].value() or "").split(",")
        kind, url = bulk.KINDS[name], reverse("admin:tickets_ticket_many", args=[name])
        cut = f"More match. These are the first {bulk.MOST:,} in the order of the list, the most that are done at once."
        return form_page(
            self,
            request,
            form,
            title=f"{kind.title} {bulk.tickets(len(ids))}",
            notes=[
                *([cut] if is_cut else []),
                "Each is done by itself, by the rules as on its own page; those concerned are mailed. "
                "What was refused, and why, is said afterwards.",
            ],
            submit=kind.submit,
            back=self._list_page(request),
            action=self._with_filters(request, url),
        )

    def _list_page(self, request: HttpRequest) -> str:
        """The list as somebody had filtered it."""
        return self._with_filters(request, reverse("admin:tickets_ticket_changelist"))

    def _with_filters(self, request: HttpRequest, url: str) -> str:
        filters = {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}
        return str(add_preserved_filters(filters, url))

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
                with attribute_refusals_to(row):
                    services.unassign(ticket_id=form.instance.pk, user_id=row.instance.user_id, by=signed_in(request))
        for row in joining:
            with attribute_refusals_to(row):
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
            response.context_data["items"] = list(readable.items(page.items))
            response.context_data["older"] = page.nextCursor
        return response


def _labels(ticket: Ticket) -> Iterator[tuple[str, str]]:
    """How it stands, each with its colour."""
    yield ticket.get_status_display(), STATUS_COLOURS[Status(ticket.status)]
    yield f"{ticket.get_priority_display()} priority", PRIORITY_COLOURS.get(Priority(ticket.priority), "")
    state = ticket.sla_state(timezone.now())
    if state != SlaState.OK:
        yield str(state.label), SLA_COLOURS.get(state, "")


def ticket_page(ticket: Ticket) -> str:
    return reverse("admin:tickets_ticket_change", args=[ticket.pk])
