"""The web server as `serve` starts it, on the test database, and clients that speak to it in raw bytes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from kit.db import configuration
from ticketing.management.commands.serve import health, web_server

HOST = "127.0.0.1"
SECONDS_TO_START = 60


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()
        self.socket.close()

    def send(self, text: bytes) -> None:
        self.socket.sendall(text)

    def request(self, line: str, body: bytes = b"", pause: float = 0, **headers: Any) -> Answer:
        """Send the head, wait, send the body, and return the answer."""
        self.send(head(line, **({"Content-Length": str(len(body))} if body else {}), **headers))
        time.sleep(pause)
        self.send(body)
        return self.answer(line)

    def answer(self, line: str = "GET") -> Answer:
        status = self.file.readline()
        if not status:
            raise ConnectionError("The server closed the connection.")
        headers: dict[str, str] = {}
        while (text := self.file.readline().decode().strip()) != "":
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        code = int(status.split()[1])
        if line.startswith("HEAD") or code == 304:
            return Answer(code, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(code, headers, b"".join(self.chunks()))
        return Answer(code, headers, self.file.read(int(headers.get("content-length", 0))))

    def chunks(self) -> Iterator[bytes]:
        while size := int(self.file.readline(), 16):
            yield self.file.read(size)
            self.file.readline()
        self.file.readline()

    def is_closed(self) -> bool:
        """Wait for the server to close the connection."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


def head(line: str, **headers: str) -> bytes:
    """Return the head of a request. Keyword `content_type` is the header Content-Type."""
    fields = {"Host": "localhost", "Content-Type": "application/json"}
    fields.update({name.replace("_", "-").title(): value for name, value in headers.items()})
    return "\r\n".join([f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]).encode()


@contextmanager
def served(application: str = "", *, workers: Any = 1, **variables: str) -> Iterator[int]:
    """Run the web server with these environment variables, in one process unless told otherwise. Yields its port.

    `application` is an RSGI application to serve instead of ours.
    """
    database = configuration.connection_url(settings.DATABASES["default"])
    with reserved_port() as port:
        command = web_server(HOST, port, workers)
        if application:
            options = ["--interface", "rsgi", "--http", "1", "--no-ws", "--no-access-log", "--log-level", "warning"]
            command = [sys.executable, "-m", "granian", *command[3:], *options, application]
        server = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": database, "LOG_LEVEL": "ERROR", **variables},
        )
        try:
            wait_for(server, port)
            yield port
        finally:
            server.terminate()
            try:
                server.wait(10)
            finally:
                server.kill()


@contextmanager
def reserved_port() -> Iterator[int]:
    """Reserve a port for as long as the server runs. granian shares ports, so two servers could get the same one."""
    with socket.socket() as reservation:
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reservation.bind((HOST, 0))
        port: int = reservation.getsockname()[1]
        yield port


def wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the server answers.

    :raises AssertionError: it ended, or does not answer in time.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError):
            if health(HOST, port) == "200":
                return
        time.sleep(0.1)
    raise AssertionError("The web server did not start.")
