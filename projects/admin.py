"""Projects in the admin."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.views import ChangeList

from kit.admin.forms import ServiceAdmin, ServiceForm, changed_values, newest
from kit.admin.pages import LINK_CLASSES
from kit.admin.search import SearchMixin
from kit.admin.stale import SeenAdmin, SeenForm
from kit.search.expressions import SortKey
from projects import queries, services
from projects.models import Project, Visibility


class ProjectForm(SeenForm, ServiceForm):
    pass


class ProjectList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        """Set `ticket_count` on the projects of the page, with one extra query."""
        super().get_results(request)
        totals = queries.ticket_totals(project_ids=[project.pk for project in self.result_list])
        for project in self.result_list:
            project.ticket_count = totals.get(project.pk, 0)


@admin.register(Project)
class ProjectAdmin(SeenAdmin, SearchMixin, ServiceAdmin):
    form = ProjectForm
    list_display = ["name_by_key", "visibility_label", "tickets_link", "created_at"]
    list_filter = ["visibility"]
    search_fields = ["name", "description"]
    search_help_text = "Words from the name or the description"
    empty_note = "Every ticket belongs to a project. Add one for each team or topic."
    ordering = [SortKey("name"), "id"]
    fieldsets = [
        (None, {"fields": ["name", "description", "visibility"]}),
        ("System", {"fields": [("system_name", "created_at")]}),
    ]
    add_fieldsets = fieldsets[:1]
    readonly_fields = ["system_name", "created_at"]

    @admin.display(description="name", ordering=SortKey("name"))
    def name_by_key(self, project: Project) -> str:
        return project.name

    @display(description="visibility", label={Visibility.EVERYONE: "success", Visibility.INVOLVED: "warning"})
    def visibility_label(self, project: Project) -> tuple[str, str]:
        return project.visibility, project.get_visibility_display()

    @admin.display(description="tickets")
    def tickets_link(self, project: Any) -> str:
        url = f"{reverse('admin:tickets_ticket_changelist')}?project__id__exact={project.pk}&queue=all"
        return format_html('<a href="{}" class="{}">{}</a>', url, LINK_CLASSES, project.ticket_count)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ProjectList

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        """Refuse to delete built-in projects, as a trigger does."""
        return super().has_delete_permission(request, obj) and not (obj and obj.system_name)

    def deletion_blockers(self, row: Project) -> Iterator[tuple[str, Any]]:
        """Yield the newest tickets, which prevent deletion."""
        for ticket in newest(row.tickets):
            yield reverse("admin:tickets_ticket_change", args=[ticket.pk]), ticket

    def save_model(self, request: HttpRequest, project: Project, form: Any, change: bool) -> None:
        if change:
            services.update(project_id=project.pk, **changed_values(form))
        else:
            project.pk = services.create(**form.cleaned_data).pk

    def delete_model(self, request: HttpRequest, project: Project) -> None:
        services.delete(project_id=project.pk)
