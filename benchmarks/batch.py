"""New tickets per second through one connection. `make bench ARGS=batch`.

Compares batches of 100 tickets with one request per ticket, and with SQL that creates 100 tickets in a statement: the
limit that the table's indexes and triggers set. Rounds alternate, and medians are compared, because other load on the
machine varies. CPU times vary less than tickets per second.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import median
from typing import Any

# Configures Django, so it comes before anything that reads settings.
from benchmarks import data, database, load, processes, site, works  # isort: split

import orjson
from django.db import connection, transaction
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from accounts.models import User

GOAL = 1_000
SIZE = 100
MICROSECONDS = 1_000_000
numbers = count(1)


@dataclass(frozen=True)
class Run:
    """One run: tickets per second, CPU time per ticket in microseconds, and milliseconds per request or statement."""

    rate: float
    app: float
    database: float
    milliseconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds")
    parser.add_argument("--seconds", type=float, default=2.5, help="duration of each run in seconds")
    parser.add_argument("--tickets", type=int, default=data.TICKETS, help="number of tickets in the database")
    options = parser.parse_args()
    console = Console()
    console.print("Preparing the database …")
    data.prepare(options.tickets, console)
    with site.served(1) as server:
        ways = ways_to_create(User.objects.get(pk=data.ORDINARY), server)
        measured: dict[str, list[Run]] = {name: [] for name in ways}
        for number in track(range(options.rounds + 1), "Measuring", console=console):
            for name, run in ways.items():
                database.flush()
                found = run(seconds=options.seconds if number else 0.5)
                if number:
                    measured[name].append(found)
    Console(width=250).print(table(measured))
    console.print(f"Medians of {options.rounds} rounds. µs: CPU time per ticket. {options.tickets:,} tickets at first.")
    Console(width=250).print(triggers(data.ORDINARY))


def ways_to_create(user: User, server: site.Server) -> dict[str, Callable[..., Run]]:
    headers = works.bearer(site.token(user))
    batch = partial(over_http, server, headers, "/tickets/batch", size=SIZE)
    assignees = list(
        User.objects.filter(pk__gt=user.pk, type=user.type).order_by("pk").values_list("pk", flat=True)[:2]
    )
    return {
        f"POST /tickets/batch, {SIZE} items": partial(batch, body=lambda: {"items": [new() for _ in range(SIZE)]}),
        "… each with a key": partial(batch, body=lambda: {"items": [keyed() for _ in range(SIZE)]}),
        "… each with two assignees": partial(
            batch, body=lambda: {"items": [new() | {"assignedUsers": assignees} for _ in range(SIZE)]}
        ),
        "POST /ticket": partial(over_http, server, headers, "/ticket", size=1, body=new),
        f"SQL, {SIZE} rows per INSERT": partial(in_sql, user.pk),
    }


def new() -> dict[str, Any]:
    number = next(numbers)
    return {"title": f"Printer {number} does not print", "description": f"It has been slow since Monday: {number}"}


def keyed() -> dict[str, Any]:
    return new() | {"key": f"{time.time_ns()}-{next(numbers)}"}


def over_http(
    server: site.Server,
    headers: dict[str, str],
    path: str,
    *,
    size: int,
    body: Callable[[], dict[str, Any]],
    seconds: float,
) -> Run:
    """Send requests one after another through one connection.

    :raises SystemExit: a ticket was not created.
    """
    client = load.Client(site.HOST, server.port)
    app, backends = (processes.cpu_seconds(processes.family(server.process)), _backends())
    requests, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        status, text = client.send("POST", path, body(), headers)
        results = orjson.loads(text).get("items", [{"status": status}])
        if {result["status"] for result in results} != {201}:
            raise SystemExit(f"POST {path} failed with {status}: {text.decode()[:1000]}")
        requests += 1
    elapsed = time.perf_counter() - started
    client.socket.close()
    return Run(
        rate=requests * size / elapsed,
        app=_spent(app, processes.cpu_seconds(processes.family(server.process)), requests * size),
        database=_spent(backends, _backends(), requests * size),
        milliseconds=elapsed / requests * 1000,
    )


def in_sql(creator_id: int, *, seconds: float) -> Run:
    """Create tickets by SQL, with a commit after each statement."""
    backend = [connection.connection.info.backend_pid]
    before, statements, started = processes.cpu_seconds(backend), 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        database.run("sql/new_tickets", number=SIZE, creator_id=creator_id)
        statements += 1
    elapsed = time.perf_counter() - started
    return Run(
        rate=statements * SIZE / elapsed,
        app=0,
        database=_spent(before, processes.cpu_seconds(backend), statements * SIZE),
        milliseconds=elapsed / statements * 1000,
    )


def _backends() -> dict[int, float]:
    return processes.cpu_seconds(database.backends())


def _spent(before: dict[int, float], after: dict[int, float], tickets: int) -> float:
    return processes.spent(before, after) * MICROSECONDS / tickets


def table(measured: dict[str, list[Run]]) -> Table:
    found = Table("new tickets by", box=box.MARKDOWN)
    for name in ("per second", "goal", "app µs", "PostgreSQL µs", "per second of CPU", "ms"):
        found.add_column(name, justify="right", no_wrap=True)
    for name, runs in measured.items():
        rate, app, backends, milliseconds = (
            median(getattr(run, figure) for run in runs) for figure in ("rate", "app", "database", "milliseconds")
        )
        has_goal = name == next(iter(measured))
        goal = f"{GOAL:,} {'✓' if rate >= GOAL else '✗ missed'}" if has_goal else ""
        figures = (f"{figure:,.0f}" for figure in (app, backends, MICROSECONDS / (app + backends)))
        found.add_row(name, f"{rate:,.0f}", goal, *figures, f"{milliseconds:.1f}")
    return found


def triggers(creator_id: int) -> Table:
    """Return what the triggers on the table take of an INSERT, and what is left for its rows and indexes."""
    with transaction.atomic():
        plan = database.explain("sql/new_tickets", number=SIZE, creator_id=creator_id)
        transaction.set_rollback(True)
    found = Table("part of the INSERT", box=box.MARKDOWN)
    found.add_column("µs per ticket", justify="right")
    milliseconds = {trigger["Trigger Name"]: trigger["Time"] for trigger in plan["Triggers"]}
    milliseconds["row, indexes and text search"] = plan["Execution Time"] - sum(milliseconds.values())
    for name, time_taken in milliseconds.items():
        found.add_row(name, f"{time_taken * 1000 / SIZE:,.0f}")
    return found


if __name__ == "__main__":
    main()
