"""Mixed requests while one part of the site after another fails: nothing that was confirmed may be lost or oversold."""

import http.client
import itertools
import random
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from deploy.cluster.site import HOST, Site

# Of the demo.
ADMIN = {"email": "admin@example.com", "password": "demo-admin-1"}
CUSTOMER = {"email": "customer@example.com", "password": "demo-customer-1"}
# That change something, and as many that only read.
CLIENTS = 4
EVENTS = 4
# A client repeats a request for at most this long.
PATIENCE = 90
# How long a cluster manager might take to notice that the replica is gone, and stop waiting for it.
SECONDS_TO_NOTICE = 3
SECONDS_FOR_ALL = 1200


class GaveUp(Exception):
    """A request was refused, or was not answered for PATIENCE seconds."""


class Broken(Exception):
    """The site did not keep what it had confirmed, or the trial did not work."""


@dataclass
class Confirmed:
    """What clients were told, and when."""

    tickets: dict[int, str] = field(default_factory=dict)
    bookings: dict[int, str] = field(default_factory=dict)
    # By whether it was a change.
    times: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    repeated: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def number(self) -> int:
        return sum(map(len, self.times.values()))


@dataclass(frozen=True)
class Fault:
    """What happened, and the longest time after it in which nobody got an answer, in seconds."""

    name: str
    without_reads: float
    without_changes: float


class Client:
    """Sends one request at a time through nginx, and repeats it until it is answered."""

    def __init__(self, site: Site, confirmed: Confirmed, token: str = "") -> None:
        self.site, self.confirmed, self.token = site, confirmed, token
        self.context = site.trusted()
        self.connection: http.client.HTTPSConnection | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        if self.connection:
            self.connection.close()
            self.connection = None

    def ask(self, method: str, path: str, body: Any = None, *, is_signed_in: bool = True) -> Any:
        """Return the body of the answer.

        :raises GaveUp: the request was refused, or not answered in time.
        """
        headers = {"Host": HOST, "Content-Type": "application/json"}
        if is_signed_in and self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if method != "GET":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        content = orjson.dumps(body) if body is not None else None
        deadline = time.monotonic() + PATIENCE
        while True:
            status, answer = self._try(method, path, content, headers)
            if status in (200, 201):
                with self.confirmed.lock:
                    self.confirmed.times[method != "GET"].append(time.monotonic())
                return orjson.loads(answer)
            # 409 while the first of two requests with this key is still running.
            is_running = status == 409 and b"idempotency" in answer
            if not (status >= 500 or status == 0 or is_running) or time.monotonic() > deadline:
                raise GaveUp(f"{method} {path}: {status} {answer[:300]!r}")
            with self.confirmed.lock:
                self.confirmed.repeated += 1
            time.sleep(0.1)

    def _try(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(HOST, self.site.https, timeout=20, context=self.context)
                self.connection.sock = socket.create_connection(("127.0.0.1", self.site.https), timeout=20)
                self.connection.sock = self.context.wrap_socket(self.connection.sock, server_hostname=HOST)
            self.connection.request(method, path, content, headers)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.__exit__()
            return 0, str(error).encode()


def sign_in(site: Site, account: dict[str, str]) -> str:
    with Client(site, Confirmed()) as client:
        token: str = client.ask("POST", "/auth/login", account)["token"]
    return token


def create_events(site: Site, capacity: int) -> list[int]:
    starts_at = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    event = {"startsAt": starts_at, "capacity": capacity, "price": 25, "status": "published"}
    with Client(site, Confirmed(), sign_in(site, ADMIN)) as admin:
        return [admin.ask("POST", "/events", {"name": f"Concert {number}", **event})["id"] for number in range(EVENTS)]


def run(site: Site, requests: int, say: Callable[[str], None]) -> list[Fault]:
    """Send this many requests while everything fails once, and check what became of what was confirmed.

    :raises Broken: something is lost, doubled or oversold.
    """
    # Events fill up, and the rest waits.
    capacity = max(requests // EVENTS // 6, 1)
    confirmed, events, token = Confirmed(), create_events(site, capacity), sign_in(site, CUSTOMER)
    numbers, ended = itertools.count(), threading.Event()

    def change(client: Client, choose: random.Random) -> None:
        number = next(numbers)
        if choose.random() < 0.6:
            guest = {"firstName": "Gustav", "lastName": "Guest", "email": f"guest.{number}@example.com"}
            body = {"quantity": 1, "guest": guest, "joinWaitlist": True}
            booked = client.ask("POST", f"/events/{choose.choice(events)}/bookings", body, is_signed_in=False)
            confirmed.bookings[booked["id"]] = guest["email"]
        else:
            created = client.ask("POST", "/ticket", {"title": f"Cluster {number}"})
            confirmed.tickets[created["id"]] = f"Cluster {number}"

    def read(client: Client, choose: random.Random) -> None:
        client.ask("GET", choose.choice(("/tickets?limit=20", "/tickets?search=cluster", "/events", "/auth/me")))

    def repeat(call: Callable[[Client, random.Random], None], seed: int) -> None:
        choose = random.Random(seed)  # noqa: S311
        with Client(site, confirmed, token) as client:
            while not ended.is_set():
                call(client, choose)

    began = time.monotonic()
    with ThreadPoolExecutor(2 * CLIENTS) as pool:
        # Apart, because all clients that change something wait while the replica is away.
        futures = [pool.submit(repeat, call, seed) for call in (change, read) for seed in range(CLIENTS)]
        try:
            moments = fail(site, confirmed, requests, say)
        finally:
            ended.set()
        for future in futures:
            future.result()
    seconds = time.monotonic() - began
    faults = measure(confirmed, moments, ended_at=time.monotonic())
    say(f"{confirmed.number} requests in {seconds:.0f} s, {confirmed.repeated} attempts repeated")
    for fault in faults:
        say(f"{fault.name:<44} no change for {fault.without_changes:5.1f} s, no read for {fault.without_reads:5.1f} s")
    verify(site, confirmed, events, capacity, say)
    return faults


def fail(site: Site, confirmed: Confirmed, requests: int, say: Callable[[str], None]) -> list[tuple[str, float]]:
    """Let one thing after another fail, spread over the requests, and wait for the last. Return what failed when.

    :raises Broken: requests are no longer answered.
    """
    moments: list[tuple[str, float]] = []

    def wait_for(number: float) -> None:
        deadline = time.monotonic() + SECONDS_FOR_ALL
        while confirmed.number < number:
            if time.monotonic() > deadline:
                raise Broken(f"{confirmed.number} requests were answered, and {number:.0f} should have been.")
            time.sleep(0.02)

    def at(share: float, name: str) -> None:
        # A fault that takes long leaves some requests to the next one nevertheless.
        wait_for(max(share * requests, confirmed.number + requests / 20))
        say(f"{confirmed.number:>6} requests: {name}")
        moments.append((name, time.monotonic()))

    at(0.1, "a web server is killed")
    site.web[0].send(signal.SIGKILL)
    at(0.25, "a worker is killed")
    site.workers[0].send(signal.SIGKILL)
    at(0.4, "the replica is stopped")
    site.replica.stop("immediate")
    time.sleep(SECONDS_TO_NOTICE)
    site.synchronize(is_on=False)
    at(0.55, "the replica is back")
    site.replica.start()
    site.replica.wait_for(site.primary)
    site.synchronize(is_on=True)
    at(0.7, "PgBouncer is restarted")
    site.pooler.send(signal.SIGKILL)
    at(0.85, "the primary is killed, the replica promoted")
    site.fail_over()
    wait_for(max(requests, confirmed.number + requests / 10))
    return moments


def measure(confirmed: Confirmed, moments: list[tuple[str, float]], *, ended_at: float) -> list[Fault]:
    """Return for each fault the longest time without an answer, until the next fault."""
    ends = [at for _, at in moments[1:]] + [ended_at]
    return [
        Fault(name, *(longest_gap(confirmed.times[is_change], began, end) for is_change in (False, True)))
        for (name, began), end in zip(moments, ends, strict=True)
    ]


def longest_gap(times: list[float], began: float, ended: float) -> float:
    inside = [at for at in sorted(times) if began <= at <= ended]
    return max(after - before for before, after in itertools.pairwise([began, *inside, ended]))


def verify(site: Site, confirmed: Confirmed, events: list[int], capacity: int, say: Callable[[str], None]) -> None:
    """Compare what clients were told with what the surviving server has.

    :raises Broken: something is lost, doubled or oversold.
    """
    tickets: Any = dict(site.primary.ask("SELECT id, title FROM tickets_ticket WHERE title LIKE 'Cluster %'"))
    bookings: Any = dict(
        site.primary.ask("SELECT id, guest_email FROM events_booking WHERE guest_email LIKE 'guest.%'")
    )
    sold: Any = site.primary.ask("SELECT event_id, confirmed FROM events_inventory ORDER BY event_id")
    lost = (confirmed.tickets.items() - tickets.items()) | (confirmed.bookings.items() - bookings.items())
    doubled = len(tickets) - len({*tickets.values()}) + len(bookings) - len({*bookings.values()})
    oversold = [event for event, number in sold if event in events and number > capacity]
    say(
        f"{len(confirmed.tickets)} tickets and {len(confirmed.bookings)} bookings confirmed, "
        f"{len(lost)} lost, {doubled} doubled, {len(oversold)} of {EVENTS} events oversold"
    )
    say(site.manage("check_bookings").strip())
    if lost or doubled or oversold:
        raise Broken(f"See above. Lost, among others: {sorted(lost)[:10]}.")
