"""Send long responses, such as exports, as fast as the client reads, and give up if it stops reading.

granian's own streams keep in memory whatever the client has not read yet, but it reads files only as fast as it can
send them. It therefore gets a named pipe, which a thread fills.
"""

import os
import select
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import structlog
from django.db import connections

logger = structlog.get_logger(__name__)

# Per process; others wait for one of these to end. They do not use the threads of ordinary requests.
MAX_STREAMS = 4
# How long a client may go without reading.
STALLED_SECONDS = 30
# How long granian may take to open the pipe. It never does if the client is gone.
OPEN_SECONDS = 5

pool = ThreadPoolExecutor(MAX_STREAMS, thread_name_prefix="stream")


def send(protocol: Any, status: int, headers: list[tuple[str, str]], response: Any, client: tuple[str, int]) -> None:
    """Send a streaming response. Return when the client has read it or is gone."""
    try:
        with pipe() as path:
            protocol.response_file(status, headers, path)
            with opened(path) as file, breaking_off(client):
                for chunk in response:
                    write(file, chunk)
    except (BrokenPipeError, TimeoutError) as error:
        logger.info("stream_abandoned", error=repr(error))
    finally:
        response.close()
        connections.close_all()


@contextmanager
def pipe() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pipe")
        os.mkfifo(path)
        yield path


@contextmanager
def opened(path: str) -> Iterator[int]:
    """Open the pipe for writing, once it is open for reading."""
    deadline = time.monotonic() + OPEN_SECONDS
    while True:
        with suppress(OSError):
            file = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            break
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.001)
    try:
        yield file
    finally:
        os.close(file)


@contextmanager
def breaking_off(client: tuple[str, int]) -> Iterator[None]:
    """Close the client's connection on an error. Otherwise, the response would seem to end where the pipe ends."""
    try:
        yield
    except BaseException:
        disconnect(client)
        raise


def disconnect(client: tuple[str, int]) -> None:
    """Close the connection from this address and port. granian has no call for it, so look among the open files."""
    for name in os.listdir("/dev/fd"):
        # One of them was the listing itself; the listening socket has no peer.
        with suppress(OSError):
            if stat.S_ISSOCK(os.stat(int(name)).st_mode):
                with socket.socket(fileno=os.dup(int(name))) as connection:
                    if connection.getpeername()[:2] == client:
                        connection.shutdown(socket.SHUT_RDWR)


def write(file: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    while view:
        if not poll.poll(STALLED_SECONDS * 1000):
            raise TimeoutError
        view = view[os.write(file, view) :]
