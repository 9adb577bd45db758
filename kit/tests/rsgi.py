"""An application for the server's own tests: endless responses, and a count of what has been produced of them."""

import os
from collections.abc import Iterator
from typing import Any

import django
from django.http import HttpResponse, StreamingHttpResponse

from kit.web.server import Server

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ticketing.settings")
django.setup()

CHUNK = b"x" * 64 * 1024
# SystemExit is no Exception, and no future can hold StopIteration.
ERRORS = {"/fail": ValueError, "/exit": SystemExit, "/stop": StopIteration}
state = {"open": 0, "bytes": 0}


def endless() -> Iterator[bytes]:
    state["open"] += 1
    try:
        while True:
            state["bytes"] += len(CHUNK)
            yield CHUNK
    finally:
        state["open"] -= 1


def lines() -> Iterator[bytes]:
    for number in range(1000):
        yield f"{number}\n".encode()
        yield b""


class Brittle(StreamingHttpResponse):
    """Fails after one chunk."""

    def __iter__(self) -> Iterator[bytes]:
        yield CHUNK
        raise SystemExit


def view(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    if error := ERRORS.get(path):
        raise error
    streams = {"/endless": endless, "/lines": lines}
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path in streams:
        return StreamingHttpResponse(streams[path]())
    if path == "/brittle":
        return Brittle()
    return HttpResponse(f"{state['open']} {state['bytes']}")


application = Server(view, threads=2, body_seconds=5, max_body=1024)
