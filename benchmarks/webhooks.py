"""How fast the worker sends webhooks. `make bench ARGS=webhooks`.

Bookings change at once, and a webhook announces each to a receiver on this machine that accepts everything: from the
log of changes to the recorded response. Prints deliveries per second and the CPU time of each, beside the goal.
"""

import argparse
import time
from dataclasses import dataclass
from statistics import median

# Configures Django, so it comes before anything that reads settings.
from benchmarks import children, database, processes, site  # isort: split

from django.utils import timezone
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from events import services as events
from events.models import Booking
from webhooks import services
from webhooks.models import Delivery, DeliveryStatus, Webhook

MICROSECONDS = 1_000_000
GOAL = 500


@dataclass(frozen=True)
class Run:
    """Deliveries that arrived, in how many seconds, and the CPU seconds of the worker and of PostgreSQL's backends."""

    deliveries: int
    seconds: float
    app: float
    backends: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds")
    parser.add_argument("--deliveries", type=int, default=3_000, help="deliveries per round")
    options = parser.parse_args()
    console = Console()
    site.prepare()
    with (
        children.listening("receiver") as port,
        children.worker(WEBHOOK_ALLOW_PRIVATE="on") as process,
        Progress(console=console) as progress,
    ):
        fill(options.deliveries, progress)
        Webhook.objects.all().delete()
        services.create(url=f"http://{site.HOST}:{port}/", events=["booking.*"], by=site.admin())
        bar = progress.add_task("Webhooks", total=options.rounds)
        runs = []
        for _ in range(options.rounds):
            runs.append(measured(process, options.deliveries))
            progress.advance(bar)
    console.print(table(runs))


def fill(bookings: int, progress: Progress) -> None:
    """Have guests book until there are that many bookings."""
    event_id = site.event(capacity=1_000_000).pk
    for number in progress.track(range(Booking.objects.count(), bookings), description="Bookings"):
        guest = events.Guest("Greta", "Guest", f"greta.{number}@example.com")
        events.book(event_id=event_id, quantity=1, by=None, guest=guest, at=timezone.now())


def measured(process: int, number: int) -> Run:
    before = delivered()
    app, backends = processes.cpu_seconds([process]), processes.cpu_seconds(database.backends())
    database.run("sql/change_bookings", number=number)
    started = time.perf_counter()
    children.wait_until(lambda: delivered() >= before + number)
    seconds = time.perf_counter() - started
    return Run(
        deliveries=number,
        seconds=seconds,
        app=processes.spent(app, processes.cpu_seconds([process])),
        backends=processes.spent(backends, processes.cpu_seconds(database.backends())),
    )


def delivered() -> int:
    return Delivery.objects.filter(status=DeliveryStatus.DELIVERED).count()


def table(runs: list[Run]) -> Table:
    result = Table("webhooks", "measured", "goal", box=box.MARKDOWN)
    rate = median(run.deliveries / run.seconds for run in runs)
    result.add_row("deliveries per second", f"{rate:,.0f}", f"{GOAL} {'✓' if rate >= GOAL else '✗ missed'}")
    for name, spent in (("the worker", lambda run: run.app), ("PostgreSQL", lambda run: run.backends)):
        each = median(spent(run) / run.deliveries for run in runs) * MICROSECONDS
        result.add_row(f"… CPU time of {name} for each, µs", f"{each:,.0f}", "")
    return result


if __name__ == "__main__":
    main()
