"""Who is running a long task."""

from django.db import models


class LongTask(models.Model):
    """A user's one long task. The row is deleted when it ends, and expires if its process dies."""

    user_id = models.BigIntegerField(primary_key=True)
    token = models.UUIDField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"User {self.user_id} until {self.expires_at:%Y-%m-%d %H:%M} UTC"
