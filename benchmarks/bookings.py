"""Bookings per second over HTTP, beside what PostgreSQL itself does of the same statements (`make bench`).

pgbench is the limit: its clients send the statements of a booking and nothing else. Rounds alternate, and medians are
compared, because machines are shared and have moods. All rules are on: idempotency key, ledger, queue, mail.
"""

import argparse
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from statistics import median
from typing import Any

# Before anything that asks for settings.
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

LOOK_UP = "SELECT id, password, deactivations, name, email, type, is_active FROM accounts_user WHERE id = :user;"
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
    "expired_at": "now() - interval '1 day'",
    "place": "hashtextextended(:event || '/' || :user, 0)",
    "digest": "sha256((:event || '/' || :user)::text::bytea)",
    "body_digest": "sha256('')",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="Web server processes.")
    options = parser.parse_args()
    console = Console()
    people = site.prepare()
    tokens = [site.token(person) for person in people]
    seconds = options.seconds

    def web(clients: int, *, events: int = 1, is_keyed: bool = True) -> load.Answers:
        chosen = [site.event(capacity=1_000_000).pk for _ in range(events)]
        site.settle()
        work = bookings(chosen, tokens, clients=clients, is_keyed=is_keyed)
        return load.run(site.HOST, site.PORT, clients=clients, seconds=seconds, work=work)

    measured: dict[str, list[Any]] = {}
    runs: dict[str, Callable[[], Any]] = {
        "pgbench, 2 clients": lambda: pgbench(people, clients=2, seconds=seconds, is_keyed=True),
        "HTTP, one hot event": lambda: web(CLIENTS),
        "HTTP, 100 events": lambda: web(CLIENTS, events=EVENTS),
        "HTTP, 1 client": lambda: web(1),
        "HTTP, 32 clients": lambda: web(32),
        "pgbench, 2 clients, no key": lambda: pgbench(people, clients=2, seconds=seconds, is_keyed=False),
        "HTTP, one hot event, no key": lambda: web(CLIENTS, is_keyed=False),
    }
    with site.served(options.workers):
        web(CLIENTS)
        for _ in track(range(options.rounds), "Measuring", console=console):
            for name, run in runs.items():
                measured.setdefault(name, []).append(run())
    console.print(table(measured))
    call_command("check_bookings")


def bookings(events: list[int], tokens: list[str], *, clients: int, is_keyed: bool) -> Callable[[int], load.Work]:
    """The work of each client: every customer books once, an event after the other in turn."""

    def work(client: int) -> load.Work:
        for turn, token in enumerate(tokens[client::clients]):
            headers = {"Authorization": f"Bearer {token}"}
            if is_keyed:
                headers["Idempotency-Key"] = f"{client}-{turn}"
            yield "POST", f"/events/{events[turn % len(events)]}/bookings", {"quantity": 1}, headers

    return work


def pgbench(people: list[User], *, clients: int, seconds: float, is_keyed: bool) -> float:
    """Transactions per second of a booking's statements, on an event of its own."""
    event = site.event(capacity=1_000_000)
    site.settle()
    first, share = people[0].pk, len(people) // clients
    booking = statement("events/book_once" if is_keyed else "events/book")
    script = [r"\set turn :turn + 1", rf"\set user {first} + :client_id * {share} + :turn", LOOK_UP, booking]
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
    """A statement of the product as pgbench reads it: in one line, with its own variables for the parameters."""
    lines = (line.partition("--")[0] for line in sql.text(name).splitlines())
    text = " ".join(" ".join(lines).split()).rstrip(";")
    return re.sub(r"%\((\w+)\)s", lambda match: PARAMETERS[match[1]], text) + ";"


def table(measured: dict[str, list[Any]]) -> Table:
    """Medians; the ratio is to the rate of the pgbench above, which sends the same statements."""
    drawn = Table("", "bookings/s", "of pgbench", "median ms", "p95 ms", "refused", title="Bookings")
    limit = 0.0
    for name, runs in measured.items():
        if isinstance(runs[0], float):
            limit = median(runs)
            drawn.add_row(name, f"{limit:,.0f}", "1.00", "", "", "")
            continue
        rate = median(run.rate for run in runs)
        refused = sum(number for run in runs for status, number in run.statuses.items() if status >= 300)
        latencies = [f"{median(run.percentile(percent) for run in runs):.1f}" for percent in (50, 95)]
        drawn.add_row(name, f"{rate:,.0f}", f"{rate / limit:.2f}", *latencies, str(refused))
    return drawn


if __name__ == "__main__":
    main()
