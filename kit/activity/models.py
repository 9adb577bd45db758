"""The latest change of each record."""

from django.db import models


class Activity(models.Model):
    """The latest change of a record, comments on tickets included.

    Written by the sequencer of the log of changes (changes/sql/functions/sequence.sql), when it gives the change its
    position. Its times never go back, from one transaction to the next, so nothing is ever added before a time that a
    reader has seen. The time of the change itself would not do: other transactions may commit later than it says.
    """

    pk = models.CompositePrimaryKey("type", "object_id")
    type = models.TextField()
    object_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["type", "at", "object_id"], name="activity_order")]

    def __str__(self) -> str:
        return f"{self.type} #{self.object_id} at {self.at:%Y-%m-%d %H:%M:%S} UTC"
