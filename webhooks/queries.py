"""Reads: webhooks and their deliveries with the keys of the API, and figures for metrics."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.db import sql

# A webhook or a delivery as SQL returns it; webhooks/shapes.py makes the latter JSON.
Row = dict[str, Any]


def webhooks(*, before_id: int | None = None, limit: int) -> list[Row]:
    """Return the newest webhooks, before `before_id`. Runs one statement."""
    return sql.prepared("webhooks/webhooks", before_id=_before(before_id), row_limit=limit)


def webhook(*, webhook_id: int) -> Row | None:
    return sql.find("webhooks/webhook", webhook_id=webhook_id)


def deliveries(*, webhook_id: int, status: str | None = None, before_id: int | None = None, limit: int) -> list[Row]:
    """Return the newest deliveries to a webhook, before `before_id`. Runs one statement."""
    page = {"before_id": _before(before_id), "row_limit": limit}
    return sql.prepared("webhooks/deliveries", webhook_id=webhook_id, status=status, **page)


def delivery(*, webhook_id: int, delivery_id: int) -> Row | None:
    return sql.find("webhooks/delivery", webhook_id=webhook_id, delivery_id=delivery_id)


def _before(before_id: int | None) -> int:
    return sql.MAX_ID if before_id is None else before_id


@dataclass(frozen=True)
class Summary:
    """The number of deliveries and of webhooks in each state (sql/summary.sql)."""

    pending: int
    due: int
    delivered: int
    failed: int
    cancelled: int
    oldest: datetime | None
    active: int
    paused: int
    ended: int
    failing: int


def summary(*, at: datetime) -> Summary:
    """Return how many deliveries and webhooks are in each state, for metrics. Runs one statement."""
    return Summary(**sql.row("webhooks/summary", at=at))
