"""What the site keeps for all apps: answers that were given, for clients who have to ask again."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q

LIFETIME_OF_KEYS = timedelta(hours=24)


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    def expired(self, at: datetime) -> Self:
        return self.filter(created_at__lte=at - LIFETIME_OF_KEYS)


class IdempotencyKey(models.Model):
    """The answer to a request that bore a key.

    The digests are keyed with the server's secret: from them nobody finds out what was sent, such as a password.
    """

    # Of who sent it, the key and the path.
    digest = models.BinaryField(max_length=32, primary_key=True)
    body_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    # JSON, as it was sent; and of the headers those that the call set itself.
    body = models.TextField()
    headers = models.JSONField()
    created_at = models.DateTimeField()

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_created_at")]
        constraints = [
            # A refused request does not use its key up.
            models.CheckConstraint(condition=Q(status__range=(200, 299)), name="idempotency_key_status"),
        ]

    def __str__(self) -> str:
        return f"{self.status} of {self.created_at:%Y-%m-%d %H:%M} UTC"
