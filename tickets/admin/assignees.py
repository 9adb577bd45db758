"""The assignees on a ticket's page: rows that can be added and removed, but not edited."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet

from accounts.admin.person_picker import PersonPicker
from accounts.models import User
from kit.admin.forms import ServiceForm, without_related_buttons
from kit.admin.refusals import attribute_refusals_to, refusals_of
from tickets import services
from tickets.models import MAX_ASSIGNEES, Assignment, Ticket


class AssignmentFormSet(PaginationInlineFormSet):
    def validate_unique(self) -> None:
        """Do nothing: the services check this, with the same message as in the API."""


class AssignmentInline(TabularInline):
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
        return date_format(timezone.localtime(assignment.assigned_at), "DATETIME_FORMAT") if assignment.pk else None

    @admin.display(description="assigned by", empty_value="")
    def by(self, assignment: Assignment) -> str | None:
        return assignment.assigned_by.name if assignment.assigned_by else None

    def get_extra(self, request: HttpRequest, obj: Ticket | None = None, **kwargs: Any) -> int:
        """Return one row to add to an existing ticket, whose page shows no button for more."""
        return 0 if obj is None else 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[Assignment]:
        return super().get_queryset(request).select_related("user", "assigned_by")

    def get_formset(self, request: HttpRequest, obj: Ticket | None = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.refusals = refusals_of(request)
        return formset

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs.setdefault("widget", PersonPicker(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return without_related_buttons(super().formfield_for_dbfield(db_field, request, **kwargs))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def save_assignees(formset: Any, *, ticket_id: int, by: User) -> None:
    """Unassign the removed users first, to make room under the limit, then assign the new ones."""
    removed = formset.deleted_forms
    added = [row for row in formset.extra_forms if row.has_changed() and row not in removed]
    # The admin's log entry reads these lists.
    formset.deleted_objects = [row.instance for row in removed if row.instance.pk]
    formset.changed_objects = []
    formset.new_objects = []
    for row in removed:
        if row.instance.pk:
            with attribute_refusals_to(row):
                services.unassign(ticket_id=ticket_id, user_id=row.instance.user_id, by=by)
    for row in added:
        with attribute_refusals_to(row):
            user = row.cleaned_data["user"]
            formset.new_objects.append(services.assign(ticket_id=ticket_id, user_id=user.pk, by=by))
