"""How ordinary requests fare while somebody abuses the server. `make bench ARGS=hostile`.

For each kind of hostile caller, prints the latency of ordinary requests and the peak memory of a web server process.
Fails if their 95th percentile reaches 300 ms or a process takes 400 MB.
"""

import argparse
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

# Configures Django, so it comes before anything that reads settings.
from benchmarks import load, site  # isort: split

from django.utils import timezone
from rich.console import Console

from accounts.models import User
from tickets import services
from tickets.models import Ticket

MAX_P95_MILLISECONDS, MAX_MEGABYTES = 300, 400
LARGEST_DESCRIPTION = "界" * 20_000
# Ordinary users pause between requests; without pauses, they would be the load.
PAUSE_SECONDS = 0.1
ROW = "{:<32}{:>7}{:>7}{:>7}{:>7}{:>8}"
Attack = Callable[["Town"], None]


@dataclass
class Town:
    """The people of the benchmark, and when to stop."""

    users: list[User]
    tokens: list[str]
    ticket_id: int
    clients: int
    ended: threading.Event = field(default_factory=threading.Event)

    def repeat(self, number: int, method: str, path: str, body: Any = None, **headers: str) -> None:
        """Send a request as user `number` again and again, on new connections, until the end."""
        while not self.ended.is_set():
            with suppress(OSError, ValueError):
                client = load.Client(site.HOST, site.PORT)
                try:
                    while not self.ended.is_set():
                        key = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
                        client.send(method, path, body, {**self.bearer(number), **key, **headers})
                finally:
                    client.socket.close()

    def bearer(self, number: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[number]}"}


def nobody(town: Town) -> None:
    town.ended.wait()


def exports(town: Town, *, users: int, clients: int) -> None:
    def export(number: int) -> None:
        while not town.ended.is_set():
            with suppress(OSError), connection(town, number % users, "/tickets/export") as client:
                while not town.ended.is_set() and (chunk := client.recv(65536)):
                    if chunk.endswith(b"0\r\n\r\n") or chunk.startswith(b"HTTP/1.1 4"):
                        break

    parallel(export, clients)


def stalled(town: Town, *, path: str, users: int) -> None:
    with ExitStack() as stack:
        for number in range(town.clients):
            with suppress(OSError):
                stack.enter_context(connection(town, number % users, path, requests=3))
        town.ended.wait()


def kept_answers(town: Town) -> None:
    path = f"/api/tickets/{town.ticket_id}/comments"
    parallel(lambda _: town.repeat(0, "POST", path, {"content": "x" * 10_000, "message": "x" * 10_000}), 4)


def mail(town: Town) -> None:
    def assign(number: int) -> None:
        user_ids = cycle(user.pk for user in town.users[1:50])
        client = load.Client(site.HOST, site.PORT)
        while not town.ended.is_set():
            body = {"description": f"{uuid4()} {'x' * 18_000}"}
            client.send("PATCH", f"/tickets/{town.ticket_id}", body, town.bearer(0))
            client.send("POST", f"/tickets/{town.ticket_id}/assign", {"userId": next(user_ids)}, town.bearer(0))
        client.socket.close()

    parallel(assign, 4)


def guessing(town: Town) -> None:
    body = {"email": town.users[0].email, "password": "guess"}
    parallel(lambda _: town.repeat(0, "POST", "/auth/login", body), 8)


ATTACKS: dict[str, Attack] = {
    "nobody": nobody,
    "24 exports of one user": lambda town: exports(town, users=1, clients=24),
    "24 exports of 8 users": lambda town: exports(town, users=8, clients=24),
    "lists that 1 user never reads": lambda town: stalled(town, path="/tickets?limit=100", users=1),
    "exports that 1 user never reads": lambda town: stalled(town, path="/tickets/export", users=1),
    "exports that 8 never read": lambda town: stalled(town, path="/tickets/export", users=8),
    "kept answers": kept_answers,
    "mail": mail,
    "guessing": guessing,
}


@contextmanager
def connection(town: Town, number: int, path: str, requests: int = 1) -> Any:
    """Send GET requests without reading the answers."""
    with socket.create_connection((site.HOST, site.PORT), timeout=5) as client:
        head = f"GET {path} HTTP/1.1\r\nHost: {site.HOST}:{site.PORT}\r\nAuthorization: Bearer {town.tokens[number]}"
        client.sendall(f"{head}\r\n\r\n".encode() * requests)
        yield client


def parallel(call: Callable[[int], None], number: int) -> None:
    threads = [threading.Thread(target=call, args=[index], daemon=True) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def prepare(clients: int, tickets: int) -> Town:
    """Create tickets with the largest descriptions."""
    users = site.prepare()[:1000]
    missing = tickets - Ticket.objects.filter(description=LARGEST_DESCRIPTION).count()
    for number in range(max(missing, 0)):
        services.create(by=users[0], at=timezone.now(), title=f"Large {number}", description=LARGEST_DESCRIPTION)
    ticket = services.create(by=users[0], at=timezone.now(), title="Ordinary", description="Small")
    return Town(users, [site.token(user) for user in users], ticket.pk, clients)


def measure(town: Town, attack: Attack, seconds: float) -> tuple[list[float], float, int]:
    """Return the latencies of ordinary requests, the peak memory of a process in MB, and the number of failures."""
    town.ended.clear()
    attacker = threading.Thread(target=attack, args=[town], daemon=True)
    attacker.start()
    latencies: list[float] = []
    peak, failures, ordinary = 0.0, 0, requests(town)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        started = time.perf_counter()
        try:
            client = load.Client(site.HOST, site.PORT)
            status, _ = client.send(*next(ordinary))
            client.socket.close()
            failures += status >= 300
        except OSError:
            failures += 1
        latencies.append((time.perf_counter() - started) * 1000)
        peak = max(peak, *map(megabytes, site_processes()))
        time.sleep(PAUSE_SECONDS)
    town.ended.set()
    attacker.join(35)
    return latencies, peak, failures


def requests(town: Town) -> Iterator[load.Request]:
    """Yield what other users ask for meanwhile. Each booking is another user's."""
    own = town.bearer(150)
    created = services.create(by=town.users[150], at=timezone.now(), title="Mine", description="Small")
    event = site.event(capacity=100_000)
    for number in count():
        yield "GET", "/healthz", None, {}
        yield "GET", "/tickets", None, own
        yield "GET", f"/tickets/{created.pk}", None, own
        yield "POST", f"/tickets/{created.pk}/comments", {"message": "Any news?"}, own
        guest = town.bearer(200 + number % (len(town.tokens) - 200))
        yield "POST", f"/events/{event.pk}/bookings", {"quantity": 1}, guest


def site_processes() -> list[int]:
    """Return the ids of the web server's processes."""
    own = f"--port {site.PORT}"
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            # Another copy's server may listen on the same port.
            if own in command and (folder / "cwd").resolve() == site.ROOT:
                found.append(int(folder.name))
    return found


def megabytes(process: int) -> float:
    try:
        return int(Path(f"/proc/{process}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="duration of each attack")
    parser.add_argument("--clients", type=int, default=200, help="number of stalled readers")
    parser.add_argument("--tickets", type=int, default=300, help="tickets with the largest descriptions")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="number of web server processes")
    parser.add_argument("--only", help="run only the attacks whose name contains this")
    options = parser.parse_args()
    os.environ["RATE_LIMITS"] = "on"
    town, console = prepare(options.clients, options.tickets), Console()
    console.print(ROW.format("hostile caller", "p50", "p95", "max", "MB", "failed"))
    faults = []
    for name, attack in ATTACKS.items():
        if options.only and options.only not in name:
            continue
        with site.served(options.workers):
            latencies, peak, failures = measure(town, attack, options.seconds)
        latencies.sort()
        p50, p95 = (latencies[len(latencies) * percent // 100] for percent in (50, 95))
        figures = (f"{value:.0f}" for value in (p50, p95, max(latencies), peak))
        console.print(ROW.format(name, *figures, failures))
        if p95 >= MAX_P95_MILLISECONDS or peak >= MAX_MEGABYTES or failures:
            faults.append(name)
    if faults:
        raise SystemExit(f"Too slow, too large or failing under: {', '.join(faults)}.")


if __name__ == "__main__":
    main()
