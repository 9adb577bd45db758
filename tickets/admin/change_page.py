"""The form to add or change a ticket, including one that was opened before somebody else's change."""

from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from accounts.admin.person_picker import CustomerPicker
from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin, changed_values
from kit.admin.stale import SeenAdmin, Stale, unbound_formsets
from tickets import services
from tickets.admin.assignees import AssignmentInline, save_assignees
from tickets.admin.pages import columns
from tickets.admin.stale import rebase
from tickets.forms import TicketForm
from tickets.models import Ticket

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


class ChangePage(SeenAdmin, ServiceAdmin):
    form = TicketForm
    seen_field = "seen_version"
    # For the page about a refusal (accounts/admin/forbidden.py).
    instead_of = {"delete": "Tickets are never deleted. Close it, or merge it into the ticket that it duplicates."}
    inlines = [AssignmentInline]
    autocomplete_fields = ["project", "created_by"]
    readonly_fields = ["created_at", "updated_at", "closed_at", "sla_due_at", "held_at", "hold_reason", "version"]
    fieldsets = [(None, {"fields": EDITABLE}), ("Details", {"fields": DETAILS})]

    def lock(self, request: HttpRequest, row: Ticket) -> None:
        self.get_queryset(request).locked().filter(pk=row.pk).first()

    def rebase(self, request: HttpRequest, row: Ticket, form: Any) -> tuple[QueryDict, Stale | None]:
        """Compare versions, so that any change is a conflict. The history says what it was."""
        if request.POST.get("seen_version", str(row.version)) == str(row.version):
            return request.POST, None
        ((assignees, _),) = unbound_formsets(self, request, row)
        return rebase(request.POST, row, form, assignees)

    def get_fieldsets(self, request: HttpRequest, obj: Ticket | None = None) -> Any:
        """Leave out the details of a new ticket."""
        return [(None, {"fields": EDITABLE})] if obj is None else super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Ticket | None = None) -> list[str]:
        """Let agents choose the creator of a new ticket, a customer, and only admins change it."""
        is_open = obj is None or staff_user(request).is_admin
        return [*self.readonly_fields, *([] if is_open else ["created_by"])]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer agents only themselves and customers as creators, since colleagues are refused."""
        if db_field.name == "created_by" and not staff_user(request).is_admin:
            kwargs.setdefault("widget", CustomerPicker(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

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
