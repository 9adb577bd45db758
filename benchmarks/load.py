"""Clients over HTTP that ask as fast as they are answered, at as little cost as Python allows.

They share the machine with what they measure, so they speak HTTP/1.1 on plain sockets and read no more of an answer
than its status and its body.
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
class Answers:
    """What came back: how many of each status, how long each took (seconds), and over how long (seconds)."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Successes per second."""
        return sum(number for status, number in self.statuses.items() if status < 300) / self.seconds

    def percentile(self, percent: int) -> float:
        """In milliseconds."""
        return quantiles(self.latencies, n=100)[percent - 1] * 1000


class Client:
    """One connection, kept alive."""

    def __init__(self, host: str, port: int) -> None:
        self.address = f"{host}:{port}"
        self.socket = socket.create_connection((host, port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> "Answer":
        """Return the status and the body of the answer."""
        text = b"" if body is None else orjson.dumps(body)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.address}", f"Content-Length: {len(text)}"]
        lines += ["Content-Type: application/json", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + text)
        return self._read()

    def _read(self) -> "Answer":
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
            raise ConnectionError("The server hung up.")
        self.buffer += chunk


# What a client sends (method, path, body, headers), and what it is answered (status, body).
Ask = tuple[str, str, Any, dict[str, str]]
Answer = tuple[int, bytes]
Work = Generator[Ask, Answer, None]


def run(host: str, port: int, *, clients: int, work: Callable[[int], Work], seconds: float = math.inf) -> Answers:
    """Let so many clients work side by side, each on what `work(its number)` yields, for so long at most."""
    began = time.perf_counter()
    total = Answers()

    def one(number: int) -> Answers:
        client, answers = Client(host, port), Answers()
        asks = work(number)
        with suppress(StopIteration):
            ask = next(asks)
            while (sent := time.perf_counter()) < began + seconds:
                answer = client.ask(*ask)
                answers.latencies.append(time.perf_counter() - sent)
                answers.statuses[answer[0]] += 1
                ask = asks.send(answer)
        client.socket.close()
        return answers

    with ThreadPoolExecutor(clients) as pool:
        for answers in pool.map(one, range(clients)):
            total.statuses += answers.statuses
            total.latencies += answers.latencies
    total.seconds = time.perf_counter() - began
    return total
