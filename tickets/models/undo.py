"""What is kept for a while to undo a change of assignees."""

from django.db import models

from accounts.models import User


class Undo(models.Model):
    """The last change of assignees that a member of staff made in the admin, until it is undone."""

    by = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    # For each ticket: its id, its version after the change, and the ids of its assignees before.
    tickets = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{len(self.tickets)} tickets of {self.by.name}"
