"""Webhooks, deliveries, and a worker that runs in the test's own connection."""

import asyncio
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from changes import services as changes
from webhooks import deriving, sending, services
from webhooks.client import Client
from webhooks.models import Delivery, Webhook
from webhooks.sending import Claimed, Outcome


def make_webhook(url: str = "https://example.com/hooks", *, by: User | None = None, **fields: Any) -> Webhook:
    return make_signed(url, by=by, **fields)[0]


def make_signed(
    url: str = "https://example.com/hooks", *, by: User | None = None, **fields: Any
) -> tuple[Webhook, str]:
    """Create a webhook, for all events by default, and return its secret as well."""
    by = by or make_user("Wendy Webhook", type=UserType.ADMIN)
    made = services.create(url=url, by=by, **{"events": ["*"], **fields})
    return made.webhook, made.secret


def make_delivery(webhook: Webhook, **fields: Any) -> Delivery:
    values = {"event": "ticket.updated", "about": "", "body": '{"type":"ticket.updated"}', "position": None}
    return Delivery.objects.create(webhook=webhook, **values | fields)


def derive() -> list[Delivery]:
    """Turn all changes so far into deliveries. Return all deliveries, in order."""
    changes.sequence()
    while deriving.derive():
        pass
    return list(Delivery.objects.order_by("pk"))


def events() -> list[str]:
    return [delivery.event for delivery in derive()]


def send_due(*, at: datetime | None = None, number: int = 100) -> int:
    """Send what is due at this time, as a turn of the worker does. Return how many attempts that were."""
    at = at or timezone.now()
    claimed = sending.claim(number=number, at=at)
    sending.record(asyncio.run(_attempt(claimed)), at=at)
    return len(claimed)


async def _attempt(claimed: list[Claimed]) -> list[Outcome]:
    async with Client() as client:
        return list(await asyncio.gather(*(sending.attempt(each, client) for each in claimed)))
