"""Turn changes in the log into deliveries to the webhooks that want them."""

import structlog
from django.db import transaction

from changes import services as changes
from changes.models import Change, Log
from kit.db import sql
from webhooks import payloads
from webhooks.models import Progress, Webhook, WebhookStatus

log = structlog.get_logger(__name__)

# Changes per transaction.
BATCH = 200


def newest_position() -> int:
    """Return the position of the newest change, including what was committed a moment ago."""
    changes.sequence()
    return Log.objects.values_list("position", flat=True).get()


def read_until() -> int | None:
    """Return the position up to which the log has been read, or None if there is no webhook to read it for."""
    webhooks = list(Webhook.objects.exclude(status=WebhookStatus.ENDED))
    return _read_until(Progress.objects.values_list("position", flat=True).get(), webhooks) if webhooks else None


def _read_until(progress: int, webhooks: list[Webhook]) -> int:
    return max(progress, min(webhook.after_position for webhook in webhooks))


@transaction.atomic
def derive() -> bool:
    """Create the deliveries about the next changes in the log. Return whether there may be more.

    How far the log has been read is stored in the same transaction, so each change has one delivery per webhook,
    however often workers are killed. One worker at a time does this, so the ids of deliveries are in order.
    """
    found = sql.prepared("webhooks/lock_progress")
    if not found:
        return False
    webhooks = list(Webhook.objects.exclude(status=WebhookStatus.ENDED).order_by("pk"))
    if not webhooks:
        # Progress does not matter until there is a webhook, which begins at the end of the log.
        return False
    position = _read_until(found[0]["position"], webhooks)
    read = list(Change.objects.filter(position__gt=position).order_by("position")[:BATCH])
    if not read:
        return False
    if read[0].position > position + 1:
        # Positions have no gaps, so the log was purged although no worker had got here for months.
        log.error("webhook_changes_missed", after=position, before=read[0].position)
    _enqueue(read, webhooks)
    Progress.objects.update(position=read[-1].position)
    return len(read) == BATCH


def _enqueue(read: list[Change], webhooks: list[Webhook]) -> None:
    wanted = [
        (webhook, change)
        for change in read
        if not change.is_quiet
        for webhook in webhooks
        if change.position > webhook.after_position and webhook.wants(payloads.event_of(change))
    ]
    if not wanted:
        return
    bodies = payloads.of_changes({change.position: change for _, change in wanted}.values())
    sql.row(
        "webhooks/enqueue",
        webhook_ids=[webhook.pk for webhook, _ in wanted],
        positions=[change.position for _, change in wanted],
        events=[payloads.event_of(change) for _, change in wanted],
        abouts=[f"{change.type}/{change.object_id}" for _, change in wanted],
        bodies=[bodies[change.position] for _, change in wanted],
    )
