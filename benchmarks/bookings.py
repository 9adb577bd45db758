"""Bookings per second over HTTP, compared with the same statements in pgbench (`make bench`).

pgbench sends only the statements of a booking, so it is the upper limit. Rounds alternate and medians are compared,
because other load on the machine varies. All features are on: idempotency keys, ledger, waiting list, e-mail.
"""

import argparse
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from statistics import median
from typing import Any

# Configures Django, so it comes before anything that reads settings.
from benchmarks import load, site  # isort: split

from django.conf import settings
from django.core.management import call_command
from rich.console import Console
from rich.progress import track
from rich.table import Table

from accounts.models import User
from kit.db import embedded, sql

CLIENTS = 8
EVENTS = 100

USER_QUERY = "SELECT id, password, revocations, name, email, type, is_active FROM accounts_user WHERE id = :user;"
PARAMETERS = {
    "event_id": ":event",
    "quantity": "1",
    "joins": "'always'",
    "user_id": ":user",
    "guest_first_name": "''",
    "guest_last_name": "''",
    "guest_email": "''",
    "origin": "'api'",
    "at": "now()",
    "is_admin": "false",
    "max_guest_bookings": "5",
    "expired_at": "now() - interval '1 day'",
    "place": "hashtextextended(:event || '/' || :user, 0)",
    "digest": "sha256((:event || '/' || :user)::text::bytea)",
    "body_digest": "sha256('')",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds")
    parser.add_argument("--seconds", type=float, default=4, help="duration of each run in seconds")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="number of web server processes")
    options = parser.parse_args()
    console = Console()
    console.print("Preparing the database …")
    customers = site.prepare()
    tokens = [site.token(customer) for customer in customers]
    seconds = options.seconds

    def http(clients: int, *, events: int = 1, is_keyed: bool = True) -> load.Responses:
        event_ids = [site.event(capacity=1_000_000).pk for _ in range(events)]
        site.flush()
        requests = bookings(event_ids, tokens, clients=clients, is_keyed=is_keyed)
        return load.run(site.HOST, site.PORT, clients=clients, seconds=seconds, requests=requests)

    measured: dict[str, list[Any]] = {}
    runs: dict[str, Callable[[], Any]] = {
        "pgbench, 2 clients": lambda: pgbench(customers, clients=2, seconds=seconds, is_keyed=True),
        "HTTP, one hot event": lambda: http(CLIENTS),
        "HTTP, 100 events": lambda: http(CLIENTS, events=EVENTS),
        "HTTP, 1 client": lambda: http(1),
        "HTTP, 32 clients": lambda: http(32),
        "pgbench, 2 clients, no key": lambda: pgbench(customers, clients=2, seconds=seconds, is_keyed=False),
        "HTTP, one hot event, no key": lambda: http(CLIENTS, is_keyed=False),
    }
    with site.served(options.workers):
        http(CLIENTS)
        for _ in track(range(options.rounds), "Measuring", console=console):
            for name, run in runs.items():
                measured.setdefault(name, []).append(run())
    console.print(table(measured))
    call_command("check_bookings")


def bookings(
    event_ids: list[int], tokens: list[str], *, clients: int, is_keyed: bool
) -> Callable[[int], load.Requests]:
    """Return the requests of each client: each customer books one ticket, on each event in turn."""

    def requests(client: int) -> load.Requests:
        for turn, token in enumerate(tokens[client::clients]):
            headers = {"Authorization": f"Bearer {token}"}
            if is_keyed:
                headers["Idempotency-Key"] = f"{client}-{turn}"
            yield "POST", f"/events/{event_ids[turn % len(event_ids)]}/bookings", {"quantity": 1}, headers

    return requests


def pgbench(customers: list[User], *, clients: int, seconds: float, is_keyed: bool) -> float:
    """Return transactions per second of the statements of a booking, on a new event."""
    event = site.event(capacity=1_000_000)
    site.flush()
    first, share = customers[0].pk, len(customers) // clients
    booking = statement("events/book_once" if is_keyed else "events/book")
    script = [r"\set turn :turn + 1", rf"\set user {first} + :client_id * {share} + :turn", USER_QUERY, booking]
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write("\n".join(script))
        file.flush()
        output = subprocess.run(
            [
                *(embedded.program("pgbench"), "--no-vacuum", "--file", file.name, "--time", str(int(seconds))),
                *("--client", str(clients), "--jobs", str(clients), "--define", "turn=0"),
                *("--define", f"event={event.pk}", os.environ["DATABASE_URL"]),
            ],
            env={**os.environ, "PGOPTIONS": settings.DATABASES["default"]["OPTIONS"]["options"]},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    return float(output.split("tps = ")[1].split()[0])


def statement(name: str) -> str:
    """Return a statement in pgbench's syntax: on one line, with pgbench variables for its parameters."""
    lines = (line.partition("--")[0] for line in sql.text(name).splitlines())
    text = " ".join(" ".join(lines).split()).rstrip(";")
    return re.sub(r"%\((\w+)\)s", lambda match: PARAMETERS[match[1]], text) + ";"


def table(measured: dict[str, list[Any]]) -> Table:
    """Return the medians. Each ratio is to the pgbench row above, which sends the same statements."""
    results = Table("", "bookings/s", "vs. pgbench", "median ms", "p95 ms", "refused", title="Bookings")
    limit = 0.0
    for name, runs in measured.items():
        if isinstance(runs[0], float):
            limit = median(runs)
            results.add_row(name, f"{limit:,.0f}", "1.00", "", "", "")
            continue
        rate = median(run.rate for run in runs)
        refused = sum(number for run in runs for status, number in run.statuses.items() if status >= 300)
        latencies = [f"{median(run.percentile(percent) for run in runs):.1f}" for percent in (50, 95)]
        results.add_row(name, f"{rate:,.0f}", f"{rate / limit:.2f}", *latencies, str(refused))
    return results


if __name__ == "__main__":
    main()
