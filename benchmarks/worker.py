"""How fast the worker sends mail, and what that costs the web server. `make bench ARGS=worker`.

A backlog of guests' booking confirmations goes to a mail server that accepts everything at once: while nothing else
runs, and while other guests book. Prints mails per second, CPU time per mail, bookings per second with and without a
worker, and the memory of each process, beside their goals.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from statistics import median

# Configures Django, so it comes before anything that reads settings.
from benchmarks import children, database, load, processes, site  # isort: split

from django.utils import timezone
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from events import services
from kit.tests.ports import free_port
from notifications.models import Delivery, State
from notifications.services import announce_bookings

CLIENTS, PROCESSES = 8, 2
MICROSECONDS = 1_000_000
# Goals: mails per second, the share of bookings that a draining backlog leaves, and MB of memory.
MAILS, LEFT, WEB_MEGABYTES, ALL_MEGABYTES = 500, 0.9, 110, 350


@dataclass(frozen=True)
class Drain:
    """Mails that left, in how many seconds, and the CPU seconds of the worker and of PostgreSQL's backends."""

    mails: int
    seconds: float
    app: float
    backends: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="number of rounds")
    parser.add_argument("--mails", type=int, default=3_000, help="size of the backlog")
    parser.add_argument("--seconds", type=float, default=5, help="duration of each run of bookings in seconds")
    options = parser.parse_args()
    console = Console()
    site.prepare()
    alone: list[Drain] = []
    beside: list[Drain] = []
    undisturbed: list[float] = []
    disturbed: list[float] = []
    with children.listening("sink") as port, Progress(console=console) as progress:
        fill(options.mails, progress)
        bar = progress.add_task("Mail and bookings", total=options.rounds * 3)
        with site.served(PROCESSES):
            for _ in range(options.rounds):
                database.run("sql/backlog", number=options.mails)
                with worker(port) as process:
                    alone.append(until_empty(process))
                progress.advance(bar)
                undisturbed.append(bookings(options.seconds))
                progress.advance(bar)
                database.run("sql/backlog", number=options.mails)
                with worker(port) as process, draining(process) as sent:
                    disturbed.append(bookings(options.seconds))
                beside.append(sent[0])
                progress.advance(bar)
        memory = memory_of_a_site(port)
    console.print(rates(alone, beside, undisturbed, disturbed))
    console.print(sizes(memory))


def fill(mails: int, progress: Progress) -> None:
    """Have guests book until there are that many mails in the database."""
    event_id = site.event(capacity=1_000_000).pk
    # Those of other benchmarks.
    announce_bookings()
    for number in progress.track(range(Delivery.objects.count(), mails), description="Bookings to mail about"):
        guest = services.Guest("Greta", "Guest", f"greta.{number}@example.com")
        services.book(event_id=event_id, quantity=1, by=None, guest=guest, at=timezone.now())
    announce_bookings()


@contextmanager
def worker(port: int) -> Iterator[int]:
    """Run a worker. Yields its process id once it sends mail."""
    with children.worker(EMAIL_URL=f"smtp://{site.HOST}:{port}") as process:
        before = sent()
        children.wait_until(lambda: sent() > before)
        yield process


@contextmanager
def draining(process: int) -> Iterator[list[Drain]]:
    """Measure the worker in this block. Yields a list that has the result afterwards."""
    result: list[Drain] = []
    before, app, backends, started = (
        sent(),
        processes.cpu_seconds([process]),
        processes.cpu_seconds(database.backends()),
        time.perf_counter(),
    )
    yield result
    result.append(
        Drain(
            mails=sent() - before,
            seconds=time.perf_counter() - started,
            app=processes.spent(app, processes.cpu_seconds([process])),
            backends=processes.spent(backends, processes.cpu_seconds(database.backends())),
        )
    )


def until_empty(process: int) -> Drain:
    with draining(process) as result:
        children.wait_until(lambda: not Delivery.objects.filter(state=State.PENDING).exists())
    return result[0]


def bookings(seconds: float) -> float:
    """Have guests book. Return their bookings per second."""
    return load.run(site.HOST, site.PORT, clients=CLIENTS, requests=booked, seconds=seconds).rate


def booked(client: int) -> load.Requests:
    path = f"/events/{site.event(capacity=1_000_000).pk}/bookings"
    for number in count():
        guest = {"firstName": "Greta", "lastName": "Guest", "email": f"greta.{client}.{number}@example.com"}
        yield "POST", path, {"quantity": 1, "guest": guest}, {}


def sent() -> int:
    return Delivery.objects.filter(state=State.SENT).count()


def memory_of_a_site(mail_port: int) -> dict[str, processes.Memory]:
    """Run `serve` with some load, and return the memory of its processes and of PostgreSQL's."""
    port = free_port()
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", str(PROCESSES)]
    environment = os.environ | {"EMAIL_URL": f"smtp://{site.HOST}:{mail_port}"}
    with site.running(command, "bench-serve.log", port, cwd=site.ROOT, env=environment) as supervisor:
        load.run(site.HOST, port, clients=CLIENTS, requests=visits, seconds=5)
        # Mail about these bookings has left by then.
        time.sleep(5)
        found = {"supervisor": processes.memory([supervisor])}
        for process in processes.family(supervisor) - {supervisor}:
            is_worker, is_main = "manage.py" in processes.command(process), processes.parent(process) == supervisor
            name = "worker" if is_worker else "web server" if is_main else f"web process {process}"
            found[name] = processes.memory([process])
        server = processes.parent(database.own_backend())
        return found | {"PostgreSQL": processes.memory(processes.family(server))}


def visits(client: int) -> load.Requests:
    """Yield requests for pages, lists and bookings."""
    paths = ("/events", "/docs", "/admin/login/", "/schema", "/healthz")
    booking = booked(client)
    while True:
        yield from (("GET", path, None, {}) for path in paths)
        yield next(booking)


def rates(alone: list[Drain], beside: list[Drain], undisturbed: list[float], disturbed: list[float]) -> Table:
    table = Table("worker", "measured", "goal", box=box.MARKDOWN)
    mails = median(run.mails / run.seconds for run in alone)
    left = median(busy / idle for busy, idle in zip(disturbed, undisturbed, strict=True))
    table.add_row("mails per second", f"{mails:,.0f}", verdict(mails >= MAILS, f"{MAILS}"))
    table.add_row(
        "… its CPU time per mail, µs", f"{median(run.app / run.mails for run in alone) * MICROSECONDS:,.0f}", ""
    )
    table.add_row("… PostgreSQL's, µs", f"{median(run.backends / run.mails for run in alone) * MICROSECONDS:,.0f}", "")
    table.add_row("bookings per second without mail", f"{median(undisturbed):,.0f}", "")
    table.add_row("… while a backlog drains", f"{median(disturbed):,.0f}", "")
    table.add_row("… share", f"{left:.2f}", verdict(left >= LEFT, f"{LEFT}"))
    table.add_row("mails per second beside them", f"{median(run.mails / run.seconds for run in beside):,.0f}", "")
    return table


def sizes(memory: dict[str, processes.Memory]) -> Table:
    table = Table("process", "resident MB", "proportional MB", "goal", box=box.MARKDOWN)
    for name, size in sorted(memory.items()):
        goal = (
            verdict(size.resident < WEB_MEGABYTES, f"< {WEB_MEGABYTES} resident")
            if name.startswith("web process")
            else ""
        )
        table.add_row(name, f"{size.resident:,.0f}", f"{size.proportional:,.0f}", goal)
    total = sum(size.proportional for size in memory.values())
    table.add_row("all", "", f"{total:,.0f}", verdict(total < ALL_MEGABYTES, f"< {ALL_MEGABYTES}"))
    return table


def verdict(is_met: bool, goal: str) -> str:
    return f"{goal} ✓" if is_met else f"{goal} ✗ missed"


if __name__ == "__main__":
    main()
