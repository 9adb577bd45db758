"""An application for the server's own tests: large and endless responses, and how much memory they take."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.http import HttpResponse, StreamingHttpResponse

from kit.web import streams
from kit.web.server import Server

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ticketing.settings")
django.setup()

CHUNK = b"x" * 64 * 1024
LARGE = bytes(range(256)) * 32 * 1024
# SystemExit is no Exception, and no future can hold StopIteration.
ERRORS = {"/fail": ValueError, "/exit": SystemExit, "/stop": StopIteration}
state = {"open": 0, "closed": 0}


def endless() -> Iterator[bytes]:
    state["open"] += 1
    try:
        while True:
            time.sleep(0.01)
            yield CHUNK
    finally:
        state["open"] -= 1


def long() -> Iterator[bytes]:
    """Yield 50 MB."""
    for _ in range(800):
        yield CHUNK


def lines() -> Iterator[bytes]:
    for number in range(1000):
        yield f"{number}\n".encode()
        yield b""


class Brittle(StreamingHttpResponse):
    """Fails after one chunk."""

    def __iter__(self) -> Iterator[bytes]:
        yield CHUNK
        raise SystemExit


class Closing(StreamingHttpResponse):
    """Takes a while to close."""

    def close(self) -> None:
        time.sleep(0.2)
        state["closed"] += 1
        super().close()


def view(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    if error := ERRORS.get(path):
        raise error
    bodies = {"/endless": endless, "/lines": lines, "/long": long}
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path in bodies:
        return StreamingHttpResponse(bodies[path]())
    if path == "/large":
        return HttpResponse(LARGE)
    if path == "/brittle":
        return Brittle()
    if path == "/closing":
        return Closing(lines())
    if path == "/closed":
        return HttpResponse(str(state["closed"]))
    status = Path("/proc/self/status").read_text()
    return HttpResponse(
        f"{state['open']} {status.partition('VmRSS:')[2].split()[0]} {len(os.listdir('/proc/self/fd'))}"
    )


application = Server(view, threads=2, body_seconds=5, max_body=1024)


class Impatient(Server):
    """Disconnects stalled clients after a second."""

    def __rsgi_init__(self, loop: Any) -> None:
        streams.STALLED_SECONDS = 1
        super().__rsgi_init__(loop)


impatient = Impatient(view, threads=2, body_seconds=5, max_body=1024)
