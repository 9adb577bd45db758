"""What work is grouped under."""

import pgtrigger
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models.functions import Length, Trim, Upper
from django.db.models.lookups import GreaterThanOrEqual


class Visibility(models.TextChoices):
    """Who sees a project's tickets: anybody who is signed in, or those involved (creator, assignees) and staff."""

    EVERYONE = "everyone"
    INVOLVED = "involved"


class ProjectQuerySet(models.QuerySet["Project"]):
    def general(self) -> "Project":
        """The project of tickets that name none."""
        return self.get(system_name="general")

    def helpdesk(self) -> "Project":
        """Document 004's: its tickets are between who created them and staff."""
        return self.get(system_name="helpdesk")


class Project(models.Model):
    name = models.CharField(max_length=150, validators=[MinLengthValidator(3)])
    description = models.TextField(blank=True, max_length=20_000)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.EVERYONE)
    # Set on the projects that come with the system: how the code finds them, whatever they are renamed to.
    system_name = models.CharField(max_length=20, unique=True, null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Upper("name"), name="project_name_unique", violation_error_message="This name is taken."
            ),
            models.CheckConstraint(condition=GreaterThanOrEqual(Length(Trim("name")), 3), name="project_name_length"),
            models.CheckConstraint(condition=models.Q(visibility__in=Visibility.values), name="project_visibility"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="keep_system_projects",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__system_name__isnull=False),
            ),
            # Else it could be taken off them, and the project deleted.
            pgtrigger.ReadOnly(name="keep_system_names", fields=["system_name"]),
        ]

    def __str__(self) -> str:
        return self.name
