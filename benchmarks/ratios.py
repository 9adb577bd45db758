"""The product beside what a team would write instead, in one table of ratios (`make bench`).

The peer is an Express server that does the same work on the same database (peer/server.js says what it leaves out).
pgbench sends only the statements of a booking. Rounds alternate, and medians are compared, because other load on the
machine varies. CPU times vary less than requests per second.
"""

import argparse
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from statistics import median

# Configures Django, so it comes before anything that reads settings.
from benchmarks import data, database, measuring, peer, site, works  # isort: split

from django.core.management import call_command
from django.db import connection
from rich import box
from rich.console import Console
from rich.table import Table

from accounts.models import User
from benchmarks.measuring import BARE, CLIENTS, OUTBOX, PGBENCH, PROCESSES, PRODUCT, Run, Task

EVENTS = 100


@dataclass(frozen=True)
class Row:
    """The product's requests compared with those of a peer or pgbench, or with other requests to the product."""

    work: works.Work
    base: Task
    against: str
    # The ratio to reach.
    goal: float | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="number of rounds")
    parser.add_argument("--seconds", type=float, default=1.5, help="duration of each run in seconds")
    parser.add_argument("--tickets", type=int, default=data.TICKETS, help="number of tickets in the database")
    parser.add_argument("--only", default="", help="measure only requests whose name contains this")
    options = parser.parse_args()
    console = Console()
    console.print("Preparing the peer and the database …")
    peer.install()
    data.prepare(options.tickets, console)
    compared = [row for row in rows() if options.only in row.work.name]
    tasks = list(dict.fromkeys(task for row in compared for task in ((row.work, PRODUCT), row.base)))
    with peer.tables():
        measured = measuring.measure(tasks, rounds=options.rounds, seconds=options.seconds, console=console)
        if faults := database.column("peer/faults"):
            raise SystemExit(f"The peer's bookings of these events are inconsistent: {faults}")
    # In full, even if the terminal is narrower.
    Console(width=250).print(table(compared, measured))
    console.print(caption(options, measured))
    call_command("check_bookings")


def rows() -> list[Row]:
    customers = list(User.objects.filter(pk__lte=site.CUSTOMERS).order_by("pk"))
    reads = works.reads(customers[data.ORDINARY - 1], site.admin(), clients=CLIENTS)
    booking = partial(works.Booking, clients=CLIENTS)
    hot = booking(name="POST /events/<id>/bookings", caller="guests")
    spread = booking(name=f"… over {EVENTS} events", caller="guests", events=EVENTS)
    of_customers = partial(booking, caller="customers", tokens=[site.token(customer) for customer in customers])
    unkeyed, keyed = of_customers(name=hot.name), of_customers(name="… with Idempotency-Key", is_keyed=True)
    return [
        *(Row(read, (read, BARE), BARE, goal=1.2) for read in reads),
        *(
            Row(work, (work, against), against, goal=goal)
            for work in (hot, spread, unkeyed)
            for against, goal in ((BARE, 0.8), (OUTBOX, 1.0), (PGBENCH, 0.6 if work is hot else None))
        ),
        Row(keyed, (unkeyed, PRODUCT), "product without key", goal=0.9),
        Row(keyed, (keyed, PGBENCH), PGBENCH),
    ]


def table(compared: list[Row], measured: dict[Task, list[Run]]) -> Table:
    """Return the medians of the product and of what it is compared with, in Markdown for documents."""
    found = Table("request", "by", "compared with", box=box.MARKDOWN)
    for name in ("per second", "ratio", "goal", "app µs", "PostgreSQL µs", "median ms", "p95 ms"):
        found.add_column(name, justify="right", no_wrap=True)
    for row in compared:
        runs, base = measured[row.work, PRODUCT], measured[row.base]
        ratio = median(run.rate / other.rate for run, other in zip(runs, base, strict=True))
        found.add_row(
            row.work.name,
            row.work.caller,
            row.against,
            pair(runs, base, lambda run: run.rate),
            f"{ratio:.2f}",
            verdict(ratio, row.goal),
            pair(runs, base, lambda run: run.app),
            pair(runs, base, lambda run: run.database),
            pair(runs, base, lambda run: run.p50, ",.1f"),
            pair(runs, base, lambda run: run.p95, ",.1f"),
        )
    return found


def pair(runs: list[Run], base: list[Run], value: Callable[[Run], float | None], style: str = ",.0f") -> str:
    return " / ".join(center([value(run) for run in some], style) for some in (runs, base))


def center(values: list[float | None], style: str) -> str:
    known = [value for value in values if value is not None]
    return format(median(known), style) if known else "–"


def verdict(ratio: float, goal: float | None) -> str:
    if goal is None:
        return ""
    return f"{goal} ✓" if ratio >= goal else f"{goal} ✗ missed"


def caption(options: argparse.Namespace, measured: dict[Task, list[Run]]) -> str:
    own = center([run.clients for runs in measured.values() for run in runs], ",.0f")
    connection.ensure_connection()
    version = connection.connection.info.server_version // 10_000
    return (
        f"Product / other, medians of {options.rounds} alternating rounds of {options.seconds:g} s, {CLIENTS} clients, "
        f"{PROCESSES} processes each, {options.tickets:,} tickets, {datetime.now(UTC):%Y-%m-%d}, PostgreSQL {version}, "
        f"Python {platform.python_version()} in {sys.base_prefix}. "
        "µs: CPU time per request; PostgreSQL's is that of its backends. The clients, on the same machine, take "
        f"{own} µs per request. Rate limits are off: the peer has none."
    )


if __name__ == "__main__":
    main()
