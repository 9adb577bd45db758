"""Webhooks: subscriptions of other systems to changes, their signing secrets, and a `Delivery` for each change.

The worker derives deliveries from the log of changes (`deriving`) and sends them (`sending`).
"""

from typing import Self

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import BrinIndex
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import User
from kit.db.text import composed_constraint
from kit.db.triggers import trigger
from kit.encryption import ENCRYPTED
from kit.versions import Versioned, version_triggers

MAX_URL = 2000
MAX_DESCRIPTION = 500
MAX_PATTERN = 40
# What is stored of a response.
MAX_RESPONSE = 4096
VERSIONED_FIELDS = ("url", "events", "description", "status")

# What a webhook can subscribe to: each type of object with its actions in the log of changes.
EVENTS = tuple(
    f"{kind}.{action}"
    for kind, actions in {
        "ticket": ("created", "updated", "commented", "merged"),
        "booking": ("confirmed", "waiting", "promoted", "changed", "cancelled"),
        "event": ("created", "updated", "cancelled", "deleted"),
        "project": ("created", "updated", "deleted"),
        "user": ("created", "updated", "deactivated", "deleted"),
    }.items()
    for action in actions
)
TEST_EVENT = "webhook.test"


def matches(pattern: str, event: str) -> bool:
    """Return whether the pattern is this event, or its beginning followed by `*`."""
    return event.startswith(pattern[:-1]) if pattern.endswith("*") else event == pattern


class WebhookStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    # By an admin, or after the last retry. Deliveries wait until it is active again.
    PAUSED = "paused", "Paused"
    # The receiver has replied 410. Nothing is queued for it any more.
    ENDED = "ended", "Ended by receiver"


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"
    # The subscription ended first.
    CANCELLED = "cancelled", "Cancelled"


class Webhook(Versioned):
    """A URL of another system, and the events that it is notified of."""

    versioned_fields = VERSIONED_FIELDS

    url = models.CharField("URL", max_length=MAX_URL)
    events = ArrayField(models.CharField(max_length=MAX_PATTERN), size=len(EVENTS))
    description = models.CharField(max_length=MAX_DESCRIPTION, blank=True)
    status = models.CharField(max_length=10, choices=WebhookStatus.choices, default=WebhookStatus.ACTIVE)
    # Why it was paused or ended. "" if an admin paused it.
    reason = models.TextField(blank=True, db_default="")
    # Since when all attempts have failed.
    failing_since = models.DateTimeField(null=True)
    # It receives changes after this position in the log.
    after_position = models.BigIntegerField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=WebhookStatus.values), name="webhook_status"),
            models.CheckConstraint(condition=Q(events__len__gt=0), name="webhook_events"),
            composed_constraint("description", name="webhook_description_composed"),
        ]
        triggers = [
            *version_triggers(*VERSIONED_FIELDS),
            trigger(
                "webhooks/audit_webhook",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf(*VERSIONED_FIELDS) | pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.url

    def wants(self, event: str) -> bool:
        return any(matches(pattern, event) for pattern in self.events)


class Secret(models.Model):
    """A signing secret, encrypted (kit/encryption.py). Each delivery is signed with all that are still valid."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="secrets", db_index=False)
    encrypted = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    # None for the current one.
    ends_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["webhook"], condition=Q(ends_at__isnull=True), name="webhook_secret_current"
            ),
            models.CheckConstraint(condition=Q(encrypted__regex=ENCRYPTED), name="webhook_secret_encrypted"),
        ]
        indexes = [models.Index(fields=["webhook", "-id"], name="webhook_secret")]
        triggers = [
            trigger("webhooks/audit_secret", when=pgtrigger.After, operation=pgtrigger.UpdateOf("ends_at")),
        ]

    def __str__(self) -> str:
        return f"secret #{self.pk} of webhook #{self.webhook_id}"


class WebhookDeliveryQuerySet(models.QuerySet["Delivery"]):
    def ended(self) -> Self:
        """Select the deliveries that will not be sent unless they are resent by hand."""
        return self.exclude(status=DeliveryStatus.PENDING)


class Delivery(models.Model):
    """A message to a webhook. Its body is made once, so that every attempt sends the same under the same id."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    # Of the change in the log. None for tests.
    position = models.BigIntegerField(null=True)
    # Random, because ids repeat after a backup is restored, and receivers ignore ids that they know.
    message_id = models.UUIDField(db_default=RandomUUID(), editable=False)
    event = models.CharField(max_length=MAX_PATTERN)
    # The changed object, as in "ticket/7": its deliveries are sent in order. "" for tests.
    about = models.CharField(max_length=40, blank=True)
    body = models.TextField()
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, db_default=DeliveryStatus.PENDING)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    # Until then, the worker that has claimed it is sending it.
    claimed_until = models.DateTimeField(null=True)
    # Of the last attempt. Without a response, `error` says what happened.
    attempted_at = models.DateTimeField(null=True)
    response_status = models.PositiveSmallIntegerField(null=True)
    response = models.TextField(blank=True, db_default="", validators=[MaxLengthValidator(MAX_RESPONSE)])
    error = models.TextField(blank=True, db_default="")
    milliseconds = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    delivered_at = models.DateTimeField(null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["webhook", "position"], name="webhook_delivery_once"),
            models.CheckConstraint(condition=Q(status__in=DeliveryStatus.values), name="webhook_delivery_status"),
            models.CheckConstraint(
                condition=Q(status=DeliveryStatus.DELIVERED, delivered_at__isnull=False)
                | (~Q(status=DeliveryStatus.DELIVERED) & Q(delivered_at__isnull=True)),
                name="webhook_delivered_at",
            ),
        ]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="webhook_delivery_newest"),
            models.Index(
                fields=["webhook", "next_attempt_at", "id"],
                name="webhook_delivery_due",
                condition=Q(status=DeliveryStatus.PENDING),
            ),
            models.Index(
                fields=["webhook", "about", "id"],
                name="webhook_delivery_order",
                condition=Q(status=DeliveryStatus.PENDING),
            ),
            models.Index(
                fields=["webhook", "id"],
                name="webhook_delivery_test",
                condition=Q(status=DeliveryStatus.PENDING, position__isnull=True),
            ),
            models.Index(fields=["webhook"], name="webhook_delivery_claimed", condition=Q(claimed_until__isnull=False)),
            models.Index(fields=["status"], name="webhook_delivery_by_status"),
            models.Index(F("id").desc(), name="webhook_delivery_failed", condition=Q(status=DeliveryStatus.FAILED)),
            BrinIndex(fields=["created_at"], name="webhook_delivery_created"),
        ]

    def __str__(self) -> str:
        return f"{self.event} #{self.pk}"

    @property
    def webhook_id_header(self) -> str:
        """Return the `webhook-id`, which stays the same however often it is sent."""
        return message_id(self.message_id.hex)


def message_id(text: str) -> str:
    """Return the `webhook-id` of a delivery's `message_id`."""
    return f"msg_{text.replace('-', '')}"


class Progress(models.Model):
    """How far the log of changes has been read, in the table's only row."""

    position = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="webhook_progress_single")]

    def __str__(self) -> str:
        return f"up to {self.position}"
