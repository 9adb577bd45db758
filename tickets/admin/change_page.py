"""The form to add or change a ticket, including one that was opened before somebody else's change."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest
from django.utils import timezone

from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin, changed_values
from kit.admin.refusals import refusals_of
from tickets import services
from tickets.admin.assignees import AssignmentInline, save_assignees
from tickets.admin.pages import columns
from tickets.forms import TicketForm
from tickets.models import Ticket
from tickets.stale_forms import rebase

EDITABLE = [
    "title",
    "description",
    ("project", "status"),
    ("type", "priority"),
    ("venue", "price"),
    "labels",
    "due_at",
    "created_by",
]
DETAILS = [("created_at", "updated_at"), ("closed_at", "version"), ("sla_due_at", "held_at"), "hold_reason"]


class ChangePage(ServiceAdmin):
    form = TicketForm
    inlines = [AssignmentInline]
    autocomplete_fields = ["project", "created_by"]
    readonly_fields = ["created_at", "updated_at", "closed_at", "sla_due_at", "held_at", "hold_reason", "version"]
    fieldsets = [(None, {"fields": ["seen_version", *EDITABLE]}), ("Details", {"fields": DETAILS})]

    def _changeform_view(self, request: HttpRequest, object_id: str | None, *args: Any) -> Any:
        """Before saving, lock the ticket so that what the form is validated against is still true on save.

        A form that was opened before somebody else's change is rebased onto the current version and shown again.
        """
        if request.method == "POST" and object_id is not None and not refusals_of(request):
            self._rebase(request, self.get_object(request, unquote(object_id)))
        return super()._changeform_view(request, object_id, *args)

    def _rebase(self, request: HttpRequest, ticket: Ticket | None) -> None:
        ticket = ticket and self.get_queryset(request).locked().filter(pk=ticket.pk).first()
        if ticket and request.POST.get("seen_version", str(ticket.version)) != str(ticket.version):
            form = self.get_form(request, ticket, change=True)(instance=ticket)
            rebased, differences = rebase(request.POST, ticket, form)
            request.POST = rebased  # type: ignore[assignment]
            request.differences = differences  # type: ignore[attr-defined]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.is_stale = hasattr(request, "differences")
        return form

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context["differences"] = getattr(request, "differences", None)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Ticket | None = None) -> Any:
        """Leave out the details of a new ticket."""
        return [(None, {"fields": EDITABLE})] if obj is None else super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Ticket | None = None) -> list[str]:
        """Let agents choose the creator of a new ticket, a customer, and only admins change it."""
        is_open = obj is None or staff_user(request).is_admin
        return [*self.readonly_fields, *([] if is_open else ["created_by"])]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"created_by": request.user.pk, **super().get_changeform_initial_data(request)}

    def has_delete_permission(self, request: HttpRequest, obj: Ticket | None = None) -> bool:
        """Refuse: tickets are never deleted."""
        return False

    def save_model(self, request: HttpRequest, ticket: Ticket, form: Any, change: bool) -> None:
        values = changed_values(form) if change else dict(form.cleaned_data)
        values.pop("seen_version", None)
        values = columns(values)
        if change and values:
            services.update(ticket_id=ticket.pk, by=staff_user(request), at=timezone.now(), **values)
        elif not change:
            ticket.pk = services.create(by=staff_user(request), at=timezone.now(), for_customer=True, **values).pk

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        save_assignees(formset, ticket_id=form.instance.pk, by=staff_user(request))
