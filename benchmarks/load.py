"""HTTP clients that send requests as fast as the server answers, with little overhead.

They share the machine with the server, so they speak HTTP/1.1 on plain sockets and parse only the status and the body.
"""

import math
import socket
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
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
        text = b"" if body is None else orjson.dumps(body)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.address}", f"Content-Length: {len(text)}"]
        lines += ["Content-Type: application/json", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + text)
        return self._read()

    def _read(self) -> "Response":
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self._receive()
        head = self.buffer[:end].lower()
        length = 0
        if (at := head.find(b"content-length:")) >= 0:
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        while len(self.buffer) < end + 4 + length:
            self._receive()
        body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
        return int(head[9:12]), body

    def _receive(self) -> None:
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("The server closed the connection.")
        self.buffer += chunk


# Method, path, body, headers.
Request = tuple[str, str, Any, dict[str, str]]
# Status, body.
Response = tuple[int, bytes]
# Yields requests and is sent the response to each.
Requests = Generator[Request, Response, None]


def run(
    host: str, port: int, *, clients: int, requests: Callable[[int], Requests], seconds: float = math.inf
) -> Responses:
    """Run clients in parallel for up to `seconds`. Client n sends what `requests(n)` yields."""
    started = time.perf_counter()
    total = Responses()

    def run_client(number: int) -> Responses:
        client, responses = Client(host, port), Responses()
        queue = requests(number)
        with suppress(StopIteration):
            request = next(queue)
            while (sent := time.perf_counter()) < started + seconds:
                response = client.send(*request)
                responses.latencies.append(time.perf_counter() - sent)
                responses.statuses[response[0]] += 1
                request = queue.send(response)
        client.socket.close()
        return responses

    with ThreadPoolExecutor(clients) as pool:
        for responses in pool.map(run_client, range(clients)):
            total.statuses += responses.statuses
            total.latencies += responses.latencies
    total.seconds = time.perf_counter() - started
    return total
