"""HTTP clients that send requests as fast as the server answers, with little overhead.

They share the machine with the server, so they speak HTTP/1.1 on plain sockets and parse only the status and the body.
"""

import math
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import orjson


@dataclass
class Responses:
    """The number of responses by status, their latencies (seconds) and the total duration (seconds)."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Return successful responses per second."""
        return sum(number for status, number in self.statuses.items() if status < 300) / self.seconds

    def percentile(self, percent: int) -> float:
        """Return a percentile of the latencies in milliseconds."""
        return quantiles(self.latencies, n=100)[percent - 1] * 1000


class Client:
    """A client with one persistent connection."""

    def __init__(self, host: str, port: int) -> None:
        self.address = f"{host}:{port}"
        self.socket = socket.create_connection((host, port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> "Response":
        """Send a request and return the status and body of the response."""
        self.start(method, path, body, headers)
        while (response := self.receive()) is None:
            pass
        return response

    def start(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> None:
        """Send a request without waiting for the response."""
        text = b"" if body is None else orjson.dumps(body)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.address}", f"Content-Length: {len(text)}"]
        lines += ["Content-Type: application/json", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + text)

    def receive(self) -> "Response | None":
        """Wait for the next bytes. Return the status and body of the response once it is complete, else None."""
        chunk = self.socket.recv(262_144)
        if not chunk:
            raise ConnectionError("The server closed the connection.")
        self.buffer += chunk
        if (end := self.buffer.find(b"\r\n\r\n")) < 0:
            return None
        head = self.buffer[:end].lower()
        length = 0
        if (at := head.find(b"content-length:")) >= 0:
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self.buffer) < end + 4 + length:
            return None
        body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
        return int(head[9:12]), body


# Method, path, body, headers.
Request = tuple[str, str, Any, dict[str, str]]
# Status, body.
Response = tuple[int, bytes]
# Yields requests and is sent the response to each.
Requests = Generator[Request, Response, None]


def run(
    host: str, port: int, *, clients: int, requests: Callable[[int], Requests], seconds: float = math.inf
) -> Responses:
    """Run clients in parallel for up to `seconds`. Client n sends what `requests(n)` yields.

    One thread serves them all, which leaves more of the machine to the server than a thread each.
    """
    total, started = Responses(), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for number in range(clients):
            client, queue = Client(host, port), requests(number)
            if (request := next(queue, None)) is not None:
                client.start(*request)
                selector.register(client.socket, selectors.EVENT_READ, [client, queue, time.perf_counter()])
        while selector.get_map():
            for key, _ in selector.select():
                client, queue, sent_at = key.data
                if (response := client.receive()) is None:
                    continue
                now = time.perf_counter()
                total.latencies.append(now - sent_at)
                total.statuses[response[0]] += 1
                request = None
                if now < started + seconds:
                    with suppress(StopIteration):
                        request = queue.send(response)
                if request is None:
                    selector.unregister(client.socket)
                    client.socket.close()
                else:
                    key.data[2] = time.perf_counter()
                    client.start(*request)
    total.seconds = time.perf_counter() - started
    return total
