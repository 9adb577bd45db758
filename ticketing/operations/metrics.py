"""Numbers about this server for Prometheus. Nothing is counted unless METRICS_TOKEN is set.

The web processes of a server keep their counts in files that all of them read, so any of them answers for all.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponseBase

from kit.db import sql
from kit.replicas import reading
from tickets.models import Ticket
from webhooks import queries as webhooks

# Each server has a folder of its own, named after its main process: the one that loads this module, before it starts
# the others. An ended process may have had the same number; in a container, the first one always has.
FOLDER = Path(settings.METRICS_DIR) / str(os.getpid())
shutil.rmtree(FOLDER, ignore_errors=True)
FOLDER.mkdir(parents=True, exist_ok=True)
# prometheus_client reads this when it is imported.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(FOLDER)

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest  # noqa: E402
from prometheus_client.core import GaugeMetricFamily  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402
from prometheus_client.registry import Collector  # noqa: E402

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
# For a replica that seems to be too far behind.
PATIENCE_SECONDS = 0.5
# Seconds. Half of all requests take less than the first, on a server that is not busy.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

DURATIONS = Histogram(
    "ticketing_request_duration_seconds",
    "Requests by method, route and status, and how long each took until its response began",
    ["method", "route", "status"],
    buckets=BUCKETS,
)
REFUSALS = Counter(
    "ticketing_refusals",
    "Requests to the API that were refused, by route and error code; on a booking's route, refused bookings",
    ["route", "code"],
)
REPLICA_READS = Counter(
    "ticketing_replica_reads",
    "Reads by whether the replica took them: replica, or, if the primary did, own-change, behind or down",
    ["outcome"],
)
# Figures from the database, by their names in sql/gauges.sql: what each counts, and its label.
GAUGES = {
    "jobs": ("Background jobs by state", "state"),
    "job_oldest_seconds": ("Age of the oldest job that is due", ""),
    "workers": ("Workers seen in the last two minutes", ""),
    "deliveries": ("Mail that is waiting or was given up", "state"),
    "delivery_oldest_due_seconds": ("How long the oldest mail has been due", ""),
    "booked_tickets": ("Tickets sold for upcoming events", ""),
    "waiting_bookings": ("Bookings on the waiting lists of upcoming events", ""),
    "webhook_deliveries": ("Webhook deliveries that are still kept, by state", "state"),
    "webhook_oldest_due_seconds": ("Age of the oldest delivery of a webhook that is due", ""),
    "webhooks": ("Webhooks by state; failing ones are active, but nothing reaches them", "state"),
    "tickets": ("Support tickets that are not closed, by status", "status"),
    "tickets_breached": ("Support tickets that have missed their deadline and are not closed", ""),
    "database_connections": ("Connections to the database by state", "state"),
    "database_max_connections": ("Connections that PostgreSQL accepts", ""),
}


if settings.REPLICA_URL:
    reading.observers.append(lambda outcome: REPLICA_READS.labels(outcome.value).inc())


def count_requests(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Return middleware that counts requests, by the pattern of their path."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started_at = time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        route = f"/{match.route}" if match and match.route else "unknown"
        method = str(request.method) if request.method in METHODS else "other"
        DURATIONS.labels(method, route, str(response.status_code)).observe(time.perf_counter() - started_at)
        if code := getattr(response, "problem_code", None):
            REFUSALS.labels(route, code).inc()
        return response

    return middleware


def exposition(*, at: datetime) -> bytes:
    """Return all metrics in Prometheus's text format. Without the database, only its figures are missing."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(FOLDER))
    registry.register(_Gauges(at))
    return generate_latest(registry)


class _Gauges(Collector):
    def __init__(self, at: datetime) -> None:
        self.at = at

    def collect(self) -> Iterator[GaugeMetricFamily]:
        is_up = GaugeMetricFamily("ticketing_database_up", "Whether the database answers")
        try:
            found = sql.rows("ticketing/gauges", at=self.at)
            breached = Ticket.objects.breached(self.at).count()
        except Error:
            is_up.add_metric([], 0)
            yield is_up
            return
        is_up.add_metric([], 1)
        yield is_up
        values = [
            *found,
            {"name": "tickets_breached", "label": "", "value": breached},
            *_webhook_values(webhooks.summary(at=self.at), at=self.at),
        ]
        for name, (text, label) in GAUGES.items():
            family = GaugeMetricFamily(f"ticketing_{name}", text, labels=[label] if label else [])
            for value in values:
                if value["name"] == name:
                    family.add_metric([value["label"]] if label else [], value["value"])
            yield family
        if settings.REPLICA_URL:
            yield from _of_replica()


def _of_replica() -> Iterator[GaugeMetricFamily]:
    lag = reading.lag(patience=PATIENCE_SECONDS)
    most = "Lag beyond which the replica is not read"
    yield GaugeMetricFamily("ticketing_replica_max_lag_seconds", most, value=settings.REPLICA_MAX_LAG_SECONDS)
    yield GaugeMetricFamily("ticketing_replica_up", "Whether the replica answers", value=lag is not None)
    if lag is not None:
        text = "How long ago the replica had all that the primary had written"
        yield GaugeMetricFamily("ticketing_replica_lag_seconds", text, value=lag)


def _webhook_values(summary: webhooks.Summary, *, at: datetime) -> Iterator[dict[str, Any]]:
    for state in ("pending", "delivered", "failed", "cancelled"):
        yield {"name": "webhook_deliveries", "label": state, "value": getattr(summary, state)}
    for state in ("active", "failing", "paused", "ended"):
        yield {"name": "webhooks", "label": state, "value": getattr(summary, state)}
    age = (at - summary.oldest).total_seconds() if summary.oldest else 0
    yield {"name": "webhook_oldest_due_seconds", "label": "", "value": age}


def forget_ended_servers() -> None:
    """Delete the files of servers that no longer run."""
    for folder in FOLDER.parent.iterdir():
        if folder != FOLDER and not Path("/proc", folder.name).exists():
            with suppress(OSError):
                shutil.rmtree(folder)


forget_ended_servers()
