"""How far the primary had got when a caller last changed something."""

from django.db import models


class RecentChange(models.Model):
    """A position in the primary's WAL. A replica that has replayed it has the caller's last change."""

    caller = models.CharField(max_length=64, primary_key=True)
    position = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="recent_change_at")]

    def __str__(self) -> str:
        return f"{self.caller} at {self.position}"
