"""Use cases that change webhooks and their deliveries. Callers check that the user is an admin."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from kit import encryption
from kit.db import sql
from kit.db.sql import MAX_ID
from kit.errors import Conflict, Invalid, Missing
from kit.versions import Expected
from webhooks import addresses, deriving, payloads, signatures
from webhooks.models import (
    EVENTS,
    TEST_EVENT,
    Delivery,
    DeliveryStatus,
    Secret,
    Webhook,
    WebhookDeliveryQuerySet,
    WebhookStatus,
    matches,
)

MAX_WEBHOOKS = 100
# How long deliveries are also signed with a replaced secret, and how many of a webhook's can be valid at a time.
OVERLAP = timedelta(hours=24)
MAX_SECRETS = 5
# Rows per transaction of `purge`.
PURGE_BATCH = 5_000

UNKNOWN_EVENT = "“{}” matches no event. The events are: " + ", ".join(EVENTS) + ". A trailing * matches any ending."
ENDED_BY_RECEIVER = "The receiver replied 410 (Gone)."


class WebhookNotFound(Missing):
    message = "Webhook not found"


class DeliveryNotFound(Missing):
    message = "Delivery not found"


class TooManyWebhooks(Conflict):
    message = f"There are {MAX_WEBHOOKS} webhooks already. Delete one first"


class StillPending(Conflict):
    message = "This delivery is still pending and will be sent anyway"


@dataclass(frozen=True)
class NewSecret:
    """A webhook and its new signing secret, which is never shown again."""

    webhook: Webhook
    secret: str
    secret_id: int


@transaction.atomic
def create(*, url: str, events: Sequence[str], description: str = "", by: User) -> NewSecret:
    """Create a webhook that receives changes from now on.

    :raises Invalid: the URL or an event is not valid.
    :raises TooManyWebhooks: there are MAX_WEBHOOKS already.
    """
    addresses.check_url(url)
    _check_events(events)
    if Webhook.objects.count() >= MAX_WEBHOOKS:
        raise TooManyWebhooks
    webhook = Webhook.objects.create(
        url=url,
        events=list(dict.fromkeys(events)),
        description=description,
        after_position=deriving.newest_position(),
        created_by=by,
    )
    # Read `created_at`, which the database has set.
    webhook.refresh_from_db()
    return _with_new_secret(webhook)


@transaction.atomic
def update(*, webhook_id: int, expected: Expected | None = None, **changes: Any) -> Webhook:
    """Change a webhook. Setting its status to active resumes it, and what has been waiting is sent.

    :raises WebhookNotFound: there is none.
    :raises VersionConflict, PreconditionFailed: it has another version than `expected`.
    :raises Invalid: as for `create`.
    """
    webhook = _lock(webhook_id, expected=expected)
    if "url" in changes:
        addresses.check_url(changes["url"])
    if "events" in changes:
        _check_events(changes["events"])
        changes["events"] = list(dict.fromkeys(changes["events"]))
    if changes.get("status", webhook.status) != webhook.status:
        _change_status(webhook, changes["status"])
    for name, value in changes.items():
        setattr(webhook, name, value)
    webhook.save()
    webhook.refresh_from_db()
    return webhook


def _change_status(webhook: Webhook, status: str) -> None:
    if webhook.status == WebhookStatus.ENDED:
        # Nothing was queued in the meantime.
        webhook.after_position = deriving.newest_position()
    webhook.reason, webhook.failing_since = "", None
    if status == WebhookStatus.ACTIVE:
        sql.row("webhooks/wake")


@transaction.atomic
def delete(*, webhook_id: int, expected: Expected | None = None) -> None:
    """Delete a webhook with its deliveries.

    :raises WebhookNotFound, VersionConflict, PreconditionFailed: as for `update`.
    """
    _lock(webhook_id, expected=expected).delete()


@transaction.atomic
def rotate_secret(*, webhook_id: int, expected: Expected | None = None, at: datetime) -> NewSecret:
    """Replace the signing secret. The previous one stays valid for OVERLAP, so that receivers can switch.

    :raises WebhookNotFound, VersionConflict, PreconditionFailed: as for `update`.
    """
    webhook = _lock(webhook_id, expected=expected)
    Secret.objects.filter(webhook=webhook, ends_at__lte=at).delete()
    Secret.objects.filter(webhook=webhook, ends_at=None).update(ends_at=at + OVERLAP)
    made = _with_new_secret(webhook)
    newest = Secret.objects.filter(webhook=webhook).order_by("-pk").values("pk")[:MAX_SECRETS]
    Secret.objects.filter(webhook=webhook).exclude(pk__in=newest).delete()
    return made


def _with_new_secret(webhook: Webhook) -> NewSecret:
    secret = signatures.new_secret()
    stored = Secret.objects.create(webhook=webhook, encrypted=encryption.encrypt(secret))
    return NewSecret(webhook, secret, stored.pk)


def secret(*, webhook_id: int, secret_id: int) -> str:
    """Return a secret. For the page that shows it once.

    :raises WebhookNotFound: the webhook no longer has this secret.
    """
    stored = Secret.objects.filter(pk=secret_id, webhook_id=webhook_id).first()
    if stored is None:
        raise WebhookNotFound
    return encryption.decrypt(stored.encrypted)


@transaction.atomic
def test(*, webhook_id: int, at: datetime) -> Delivery:
    """Queue a delivery about the webhook itself, which is sent even while it is paused.

    :raises WebhookNotFound: there is none.
    """
    webhook = _lock(webhook_id)
    body = payloads.test(webhook, at=at)
    delivery = Delivery.objects.create(webhook=webhook, event=TEST_EVENT, body=body)
    sql.row("webhooks/wake")
    return delivery


@transaction.atomic
def retry(*, webhook_id: int, delivery_id: int, at: datetime) -> None:
    """Send a delivery again, under the same id and with all its attempts.

    :raises DeliveryNotFound: the webhook has no such delivery.
    :raises StillPending: it will be sent anyway.
    """
    if max(webhook_id, delivery_id) > MAX_ID:
        raise DeliveryNotFound
    found = Delivery.objects.filter(pk=delivery_id, webhook_id=webhook_id)
    if not found.exists():
        raise DeliveryNotFound
    if not resend(found, at=at):
        raise StillPending


@transaction.atomic
def resend(deliveries: WebhookDeliveryQuerySet, *, at: datetime) -> int:
    """Send these deliveries again, except pending ones. Return their number."""
    number = deliveries.ended().update(status=DeliveryStatus.PENDING, attempts=0, next_attempt_at=at, delivered_at=None)
    sql.row("webhooks/wake")
    return number


def purge(*, older_than: timedelta, at: datetime) -> int:
    """Delete deliveries older than this, except those still being tried, and secrets that are no longer valid.

    Deliveries that have waited that long for a paused webhook are deleted as well. Return the number of deliveries.
    """
    Secret.objects.filter(ends_at__lte=at).delete()
    old = Delivery.objects.filter(created_at__lt=at - older_than)
    old = old.exclude(Q(status=DeliveryStatus.PENDING) & Q(webhook__status=WebhookStatus.ACTIVE))
    total = 0
    while number := Delivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:PURGE_BATCH])).delete()[0]:
        total += number
    return total


def stored_secrets() -> list[str]:
    """Return all secrets as they are stored: encrypted."""
    return [*Secret.objects.values_list("encrypted", flat=True)]


@transaction.atomic
def reencrypt() -> int:
    """Encrypt all secrets under the first of ENCRYPTION_KEYS. Return their number.

    :raises Undecryptable: a secret's key is missing. Nothing was changed.
    """
    return encryption.reencrypt_column(Secret.objects.all(), "encrypted")


def _lock(webhook_id: int, *, expected: Expected | None = None) -> Webhook:
    webhooks = Webhook.objects.select_for_update(no_key=True)
    webhook = webhooks.filter(pk=webhook_id).first() if webhook_id <= MAX_ID else None
    if webhook is None:
        raise WebhookNotFound
    webhook.check_version(expected)
    return webhook


def _check_events(patterns: Sequence[str]) -> None:
    for pattern in patterns:
        if not any(matches(pattern, event) for event in EVENTS):
            raise Invalid(fields={"events": [UNKNOWN_EVENT.format(pattern)]})
