"""Hostile callers, and how long ordinary requests take beside them.

`make bench ARGS=hostile` runs them for long, and the tests for a few seconds each.
"""

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

from accounts.models import User
from benchmarks import load

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent
# Ordinary users pause between requests; without pauses, they would be the load.
PAUSE_SECONDS = 0.1
LARGEST_DESCRIPTION = "界" * 20_000
Attack = Callable[["Town"], None]


@dataclass
class Town:
    """The site under attack, its people, and when to stop.

    User 0 owns the ticket that is attacked, user 150 another one. There are more than 200 users.
    """

    port: int
    users: list[User]
    tokens: list[str]
    ticket_id: int
    own_ticket_id: int
    event_id: int
    # The number of stalled readers.
    clients: int
    ended: threading.Event = field(default_factory=threading.Event)

    def repeat(self, number: int, method: str, path: str, body: Any = None, **headers: str) -> None:
        """Send a request as user `number` again and again, on new connections, until the end."""
        while not self.ended.is_set():
            with suppress(OSError, ValueError):
                client = load.Client(HOST, self.port)
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
        client = load.Client(HOST, town.port)
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
    with socket.create_connection((HOST, town.port), timeout=5) as client:
        head = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{town.port}\r\nAuthorization: Bearer {town.tokens[number]}"
        client.sendall(f"{head}\r\n\r\n".encode() * requests)
        yield client


def parallel(call: Callable[[int], None], number: int) -> None:
    threads = [threading.Thread(target=call, args=[index], daemon=True) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@dataclass
class Measured:
    """The latencies of ordinary requests (ms, ascending), the peak memory of a process (MB) and the failures."""

    latencies: list[float]
    megabytes: float
    failures: int

    def percentile(self, percent: int) -> float:
        return self.latencies[len(self.latencies) * percent // 100]


def measure(town: Town, attack: Attack, seconds: float) -> Measured:
    """Send ordinary requests while the attack runs."""
    town.ended.clear()
    attacker = threading.Thread(target=attack, args=[town], daemon=True)
    attacker.start()
    latencies: list[float] = []
    peak, failures, ordinary = 0.0, 0, requests(town)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        started = time.perf_counter()
        try:
            client = load.Client(HOST, town.port)
            status, _ = client.send(*next(ordinary))
            client.socket.close()
            failures += status >= 300
        except OSError:
            failures += 1
        latencies.append((time.perf_counter() - started) * 1000)
        peak = max(peak, *map(megabytes, site_processes(town.port)))
        time.sleep(PAUSE_SECONDS)
    town.ended.set()
    attacker.join(35)
    return Measured(sorted(latencies), peak, failures)


def requests(town: Town) -> Iterator[load.Request]:
    """Yield the requests of other users. Each booking is made by a different user."""
    own = town.bearer(150)
    for number in count():
        yield "GET", "/healthz", None, {}
        yield "GET", "/tickets", None, own
        yield "GET", f"/tickets/{town.own_ticket_id}", None, own
        yield "POST", f"/tickets/{town.own_ticket_id}/comments", {"message": "Any news?"}, own
        guest = town.bearer(200 + number % (len(town.tokens) - 200))
        yield "POST", f"/events/{town.event_id}/bookings", {"quantity": 1}, guest


def site_processes(port: int) -> list[int]:
    """Return the ids of the web server's processes."""
    own = f"--port {port}"
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            # Another copy's server may listen on the same port.
            if own in command and (folder / "cwd").resolve() == ROOT:
                found.append(int(folder.name))
    return found


def megabytes(process: int) -> float:
    try:
        return int(Path(f"/proc/{process}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0
