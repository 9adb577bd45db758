"""Projects, which group tickets and decide who can see them."""

from typing import Self

import pgtrigger
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models.functions import Length, Trim, Upper
from django.db.models.lookups import GreaterThanOrEqual

from kit.db.text import composed_constraint
from kit.search.expressions import SearchVector, SortKey, contains
from kit.versions import Versioned, version_triggers

VERSIONED_FIELDS = ("name", "description", "visibility")


class Visibility(models.TextChoices):
    """Who can see a project's tickets: all users, or only the people involved (creator, assignees) and staff."""

    EVERYONE = "everyone"
    INVOLVED = "involved"


class ProjectQuerySet(models.QuerySet["Project"]):
    def search(self, text: str) -> Self:
        """Select projects whose name or description contains every word of the text. Words match by prefix."""
        return self.filter(contains(SearchVector("name", "description"), text))

    def general(self) -> "Project":
        """Return the default project, for tickets created without one."""
        return self.get(system_name="general")

    def helpdesk(self) -> "Project":
        """Return the project for document 004, whose tickets are visible only to those involved and to staff."""
        return self.get(system_name="helpdesk")


class Project(Versioned):
    versioned_fields = VERSIONED_FIELDS

    name = models.CharField(max_length=150, validators=[MinLengthValidator(3)])
    description = models.TextField(blank=True, max_length=20_000)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.EVERYONE)
    # Set on built-in projects, so that the code finds them even after they are renamed.
    system_name = models.CharField(max_length=20, unique=True, null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = [SortKey("name"), "id"]
        indexes = [models.Index(SortKey("name"), "id", name="project_order")]
        constraints = [
            models.UniqueConstraint(
                Upper("name"),
                name="project_name_unique",
                violation_error_message="A project with this name already exists.",
            ),
            models.CheckConstraint(condition=GreaterThanOrEqual(Length(Trim("name")), 3), name="project_name_length"),
            composed_constraint("name", name="project_name_composed"),
            models.CheckConstraint(condition=models.Q(visibility__in=Visibility.values), name="project_visibility"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="keep_system_projects",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__system_name__isnull=False),
            ),
            # Otherwise clearing the system name would make the project deletable.
            pgtrigger.ReadOnly(name="keep_system_names", fields=["system_name"]),
            *version_triggers(*VERSIONED_FIELDS),
        ]

    def __str__(self) -> str:
        return self.name
