"""Claim the deliveries that are due, attempt one, and record the outcomes. `sender` calls it in the worker."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import transaction

from accounts.models import User, UserType
from kit import tracing
from kit.db import sql
from kit.encryption import Undecryptable
from notifications import services as notifications
from notifications.models import Kind
from webhooks import backoff, signatures
from webhooks.models import Delivery, DeliveryStatus, Webhook, WebhookStatus, message_id

if TYPE_CHECKING:
    # Takes 6 MB, so the worker imports it only when there is something to send.
    from webhooks.client import Client

log = structlog.get_logger(__name__)

# Deliveries to a webhook that are claimed while nothing reaches its receiver. More would only wait for it.
PROBES = 2
# How many deliveries are claimed for each that can be under way, so that fast receivers need not wait for the database.
AHEAD = 5
# How long a claim lasts: time to wait, attempt and record. After that, what a killed worker has claimed is due again.
LEASE = timedelta(seconds=60)

EXHAUSTED = "Delivery #{delivery} failed {attempts} times, the last time with: {error}"
UNREACHED = "Nothing has reached the receiver since {since:%Y-%m-%d %H:%M} UTC. The last error was: {error}"
GONE = "The receiver replied 410 (Gone)."
REDIRECTED = "Redirects are not followed."


@dataclass(frozen=True)
class Claimed:
    """A delivery that this worker is to send. `claim` identifies the claim."""

    id: int
    webhook_id: int
    url: str
    message_id: str
    body: str
    secrets: list[str]
    attempts: int
    is_test: bool
    is_failing: bool
    claim: datetime


@dataclass(frozen=True)
class Outcome:
    """The result of an attempt. Without a status, there was no response."""

    delivery: Claimed
    status: int | None = None
    body: str = ""
    error: str = ""
    retry_after: timedelta | None = None
    milliseconds: int = 0

    @property
    def is_success(self) -> bool:
        return self.status is not None and HTTPStatus(200) <= self.status < HTTPStatus(300)

    @property
    def fault(self) -> str:
        """Return what went wrong, in a few words."""
        return self.error or f"HTTP {self.status}"


def claim(*, number: int, at: datetime) -> list[Claimed]:
    """Claim up to `number` deliveries that are due. Runs one statement."""
    found = sql.prepared(
        "webhooks/claim",
        at=at,
        number=number,
        per_webhook=AHEAD * settings.WEBHOOK_CONCURRENCY,
        probes=PROBES,
        lease=LEASE,
    )
    return [
        Claimed(claim=row.pop("claimed_until"), message_id=message_id(row.pop("message_id")), **row) for row in found
    ]


async def attempt(delivery: Claimed, client: "Client") -> Outcome:
    """Send a delivery. Never raises, except if it is cancelled."""
    from webhooks.client import NotSent

    began = time.monotonic()

    def outcome(**values: Any) -> Outcome:
        return Outcome(delivery, milliseconds=round((time.monotonic() - began) * 1000), **values)

    try:
        headers = signatures.headers(
            message_id=delivery.message_id,
            body=delivery.body,
            encrypted_secrets=delivery.secrets,
            at=datetime.now(UTC),
        )
        with tracing.span("send webhook") as seen:
            seen |= {"ticketing.webhook": delivery.webhook_id, "ticketing.delivery": delivery.id}
            answer = await client.post(delivery.url, headers=headers, body=delivery.body.encode())
            seen["http.response.status_code"] = answer.status
    except (NotSent, Undecryptable) as error:
        return outcome(error=str(error))
    except Exception as error:
        # A bug of ours must not stop other deliveries.
        log.exception("webhook_attempt_failed", delivery=delivery.id)
        return outcome(error=f"{type(error).__name__}: {error}")
    is_redirect = HTTPStatus(300) <= answer.status < HTTPStatus(400)
    return outcome(
        status=answer.status,
        body=answer.body,
        error=REDIRECTED if is_redirect else "",
        retry_after=answer.retry_after,
    )


def record(outcomes: Collection[Outcome], *, at: datetime) -> None:
    """Record the outcomes of attempts, and pause or end webhooks accordingly."""
    if not outcomes:
        return
    with transaction.atomic():
        # Every worker locks the rows of webhooks below in this order.
        outcomes = sorted(outcomes, key=lambda outcome: (outcome.delivery.webhook_id, outcome.delivery.id))
        recorded = _record(outcomes, at=at)
        by_webhook: dict[int, list[Outcome]] = {}
        for outcome in outcomes:
            if outcome.delivery.id in recorded:
                by_webhook.setdefault(outcome.delivery.webhook_id, []).append(outcome)
        for webhook_id, of_webhook in by_webhook.items():
            _note(webhook_id, of_webhook, at=at)


def _record(outcomes: Collection[Outcome], *, at: datetime) -> set[int]:
    """Record the outcomes, and return the ids of the deliveries whose claims were still valid."""
    statuses, next_attempts = zip(*(_next(outcome, at=at) for outcome in outcomes), strict=True)
    rows = sql.prepared(
        "webhooks/record",
        ids=[outcome.delivery.id for outcome in outcomes],
        claims=[outcome.delivery.claim for outcome in outcomes],
        statuses=list(statuses),
        next_attempts=list(next_attempts),
        response_statuses=[outcome.status for outcome in outcomes],
        responses=[outcome.body for outcome in outcomes],
        errors=[outcome.error for outcome in outcomes],
        milliseconds=[outcome.milliseconds for outcome in outcomes],
        at=at,
    )
    return {row["id"] for row in rows}


def _next(outcome: Outcome, *, at: datetime) -> tuple[str, datetime]:
    """Return the status of a delivery after an attempt, and when the next one is due."""
    if outcome.is_success:
        return DeliveryStatus.DELIVERED, at
    wait = backoff.next_wait(outcome.delivery.attempts + 1, retry_after=outcome.retry_after)
    # The admin who requested a test is waiting for its result.
    if wait is None or outcome.status == HTTPStatus.GONE or outcome.delivery.is_test:
        return DeliveryStatus.FAILED, at
    return DeliveryStatus.PENDING, at + backoff.spread(wait, seed=outcome.delivery.id)


def _note(webhook_id: int, outcomes: list[Outcome], *, at: datetime) -> None:
    """Note in the webhook whether anything reaches its receiver, and stop it if that is due."""
    failed = [outcome for outcome in outcomes if not outcome.is_success]
    for outcome in failed:
        log.warning("webhook_failed", webhook=webhook_id, delivery=outcome.delivery.id, error=outcome.fault)
    if not failed:
        if any(outcome.delivery.is_failing for outcome in outcomes):
            Webhook.objects.filter(pk=webhook_id).update(failing_since=None)
        return
    webhook = Webhook.objects.select_for_update(no_key=True).filter(pk=webhook_id).first()
    if webhook is None:
        return
    webhook.failing_since = None if len(failed) < len(outcomes) else (webhook.failing_since or at)
    webhook.save(update_fields=["failing_since"])
    if webhook.status == WebhookStatus.ACTIVE:
        _stop_if_due(webhook, failed, at=at)


def _stop_if_due(webhook: Webhook, failed: list[Outcome], *, at: datetime) -> None:
    exhausted = [
        outcome
        for outcome in failed
        if not outcome.delivery.is_test and _next(outcome, at=at)[0] == DeliveryStatus.FAILED
    ]
    if any(outcome.status == HTTPStatus.GONE for outcome in failed):
        Delivery.objects.filter(webhook=webhook, status=DeliveryStatus.PENDING).update(
            status=DeliveryStatus.CANCELLED, claimed_until=None
        )
        _stop(webhook, WebhookStatus.ENDED, GONE)
    elif exhausted:
        last = exhausted[-1]
        number = last.delivery.attempts + 1
        _stop(
            webhook,
            WebhookStatus.PAUSED,
            EXHAUSTED.format(delivery=last.delivery.id, attempts=number, error=last.fault),
        )
    elif webhook.failing_since and webhook.failing_since <= at - backoff.PATIENCE:
        _stop(webhook, WebhookStatus.PAUSED, UNREACHED.format(since=webhook.failing_since, error=failed[-1].fault))


def _stop(webhook: Webhook, status: WebhookStatus, reason: str) -> None:
    """Stop sending to a webhook, and mail the admins why."""
    webhook.status, webhook.reason = status, reason
    webhook.save(update_fields=["status", "reason"])
    webhook.refresh_from_db(fields=["version"])
    log.error("webhook_stopped", webhook=webhook.pk, status=status, reason=reason)
    notifications.notify(
        kind=Kind.WEBHOOK_STOPPED,
        about=f"webhook/{webhook.pk}/version/{webhook.version}",
        users=User.objects.filter(type=UserType.ADMIN, is_active=True),
        payload={
            "webhook": webhook.pk,
            "name": str(webhook),
            "url": webhook.url,
            "has_ended": status == WebhookStatus.ENDED,
            "reason": reason,
        },
    )


def release(deliveries: Iterable[Claimed]) -> None:
    """Give up claims on deliveries that were not sent, so that another worker can send them at once."""
    if claimed := list(deliveries):
        sql.prepared(
            "webhooks/release",
            ids=[delivery.id for delivery in claimed],
            claims=[delivery.claim for delivery in claimed],
        )
        sql.row("webhooks/wake")
