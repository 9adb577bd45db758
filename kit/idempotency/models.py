"""Stored responses to requests with an idempotency key."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import LessThanOrEqual

LIFETIME_OF_KEYS = timedelta(hours=24)
# Of the stored body. Longer ones could fill the disk: some contain text that thousands of requests have written.
MAX_BYTES = 64 * 1024


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    def expired(self, at: datetime) -> Self:
        return self.filter(created_at__lte=at - LIFETIME_OF_KEYS)


class IdempotencyKey(models.Model):
    """The response to a request that had an idempotency key.

    The digests are HMACs under the server's secret, so they reveal nothing about the request, such as a password.
    """

    # Of the sender, the key and the path.
    digest = models.BinaryField(max_length=32, primary_key=True)
    body_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    # The JSON exactly as it was sent, and the headers that the view set.
    body = models.TextField()
    headers = models.JSONField()
    # Set if the body was too long to store: retries read this object again.
    object_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_created_at")]
        constraints = [
            # A refused request does not use up its key.
            models.CheckConstraint(condition=Q(status__range=(200, 399)), name="idempotency_key_status"),
            models.CheckConstraint(
                condition=LessThanOrEqual(
                    Func(F("body"), function="octet_length", output_field=models.IntegerField()), MAX_BYTES
                ),
                name="idempotency_key_size",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} at {self.created_at:%Y-%m-%d %H:%M} UTC"
