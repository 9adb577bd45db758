"""The admin of SLA policies and business calendars."""

from typing import Any

from django.contrib import admin
from django.db.models import Case, When
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from kit.admin.forms import SingleLineMixin, without_related_buttons
from kit.admin.stale import SeenAdmin, SeenForm
from sla.models import Calendar, Holiday, Opening, Priority, SlaPolicy


@admin.register(SlaPolicy)
class SlaPolicyAdmin(SeenAdmin, ModelAdmin):
    """Changes apply to tickets that are created, or given the priority, from now on."""

    form = SeenForm
    list_display = ["priority", "hours", "calendar"]
    list_select_related = ["calendar"]
    ordering = [Case(*(When(priority=name, then=rank) for rank, name in enumerate(Priority.values)))]
    sortable_by = ["hours", "calendar"]
    fields = ["priority", "hours", "calendar"]
    readonly_fields = ["priority"]
    actions = None

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return without_related_buttons(super().formfield_for_dbfield(db_field, request, **kwargs))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: there is exactly one policy per priority."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OpeningInline(TabularInline):
    model = Opening
    extra = 0
    hide_title = True


class HolidayInline(SingleLineMixin, TabularInline):
    model = Holiday
    extra = 0
    hide_title = True


@admin.register(Calendar)
class CalendarAdmin(SeenAdmin, SingleLineMixin, ModelAdmin):
    """Changes apply to deadlines calculated from now on, and to the remaining time of tickets on hold or closed."""

    form = SeenForm
    list_display = ["name", "time_zone"]
    empty_note = "SLA hours count round the clock. Add a calendar to count them only while you are open."
    inlines = [OpeningInline, HolidayInline]
    actions = None
