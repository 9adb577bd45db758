"""Who has a ticket open in the admin."""

from datetime import timedelta

from django.db import models

from accounts.models import User
from tickets.models.ticket import Ticket

# The page tells every 20 seconds that it is still open.
PRESENT_FOR = timedelta(seconds=60)


class Presence(models.Model):
    """A user who has a ticket open. Not part of the ticket: it moves neither its version nor its history."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket", "user"], name="presence_once")]

    def __str__(self) -> str:
        return f"user {self.user_id} at #{self.ticket_id}"
