"""Run works against servers, and measure throughput, latencies and CPU time."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import Progress

from benchmarks import agreement, database, load, peer, pgbench, processes, site, works

CLIENTS, PROCESSES = 8, 2
WARM_UP_SECONDS = 0.5
PRODUCT, BARE, OUTBOX, PGBENCH = "product", "bare peer", "peer with ledger, outbox", "pgbench, 2 clients"
MICROSECONDS = 1_000_000
# A work, and who does it: the product, a peer or pgbench.
Task = tuple[works.Work, str]


@dataclass(frozen=True)
class Run:
    """One run of a work. Of pgbench, only the rate is known."""

    # Successful requests per second.
    rate: float
    # CPU time per request in microseconds: of the web server's processes, of PostgreSQL's and of the clients.
    app: float | None = None
    database: float | None = None
    clients: float | None = None
    # Percentiles of the latency in milliseconds.
    p50: float | None = None
    p95: float | None = None


def measure(tasks: Sequence[Task], *, rounds: int, seconds: float, console: Console) -> dict[Task, list[Run]]:
    """Return the runs of each task, one per round. Every other round is in reverse order.

    :raises SystemExit: the servers do not answer alike, or a request failed.
    """
    measured: dict[Task, list[Run]] = {task: [] for task in tasks}
    with _servers() as servers, Progress(console=console) as progress:
        bar = progress.add_task("", total=(rounds + 1) * len(tasks))
        for work, _ in dict.fromkeys((work, PRODUCT) for work, _ in tasks):
            names = [name for other, name in tasks if other is work and name in servers]
            agreement.check(work, [servers[name].port for name in names])
        for number in range(rounds + 1):
            for work, name in tasks[:: 1 if number % 2 else -1]:
                progress.update(bar, description=f"{work.name}, {work.caller}: {name}")
                duration = seconds if number else WARM_UP_SECONDS
                run = _run(work, servers[name], duration) if name in servers else _limit(work, duration)
                if number:
                    measured[work, name].append(run)
                progress.advance(bar)
    return measured


@contextmanager
def _servers() -> Iterator[dict[str, site.Server]]:
    with ExitStack() as stack:
        yield {
            PRODUCT: stack.enter_context(site.served(PROCESSES)),
            BARE: stack.enter_context(peer.served(PROCESSES, has_outbox=False)),
            OUTBOX: stack.enter_context(peer.served(PROCESSES, has_outbox=True)),
        }


def _run(work: works.Work, server: site.Server, seconds: float) -> Run:
    requests = work.requests()
    own, before = time.process_time(), _usage(server)
    responses = load.run(site.HOST, server.port, clients=CLIENTS, seconds=seconds, requests=requests)
    own, after = time.process_time() - own, _usage(server)
    if failed := {status: number for status, number in responses.statuses.items() if status >= 300}:
        raise SystemExit(f"{work.name} as {work.caller} failed at port {server.port}; responses by status: {failed}")
    app, backends = (
        processes.spent(*usages) * MICROSECONDS / responses.statuses.total()
        for usages in zip(before, after, strict=True)
    )
    return Run(
        rate=responses.rate,
        app=app,
        # PostgreSQL may run on another machine.
        database=backends if after[1] else None,
        clients=own * MICROSECONDS / responses.statuses.total(),
        p50=responses.percentile(50),
        p95=responses.percentile(95),
    )


def _usage(server: site.Server) -> tuple[dict[int, float], dict[int, float]]:
    """Return the CPU seconds of the server's processes, and of PostgreSQL's."""
    return processes.cpu_seconds(processes.family(server.process)), processes.cpu_seconds(database.backends())


def _limit(work: works.Work, seconds: float) -> Run:
    if not isinstance(work, works.Booking):
        raise TypeError(f"pgbench cannot run {work.name}.")
    return Run(rate=pgbench.run(work.script(), seconds=seconds))
