"""Who watches which tickets."""

from django.db import models
from django.utils import timezone

from accounts.models import User


class Watch(models.Model):
    """A user who gets the mail that assignees of a ticket get, as long as they can see it."""

    ticket = models.ForeignKey("Ticket", on_delete=models.CASCADE, related_name="watches", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="watches")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["ticket", "user"], name="watch_once")]

    def __str__(self) -> str:
        return f"{self.user.name} watches #{self.ticket_id}"
