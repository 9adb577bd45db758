"""Send large responses from temporary files, as fast as the client reads, and give up on clients that stop reading.

granian keeps in memory whatever the client has not read yet, except of a file. It therefore gets a named pipe, which
the event loop fills from an unlinked temporary file. No thread waits for a client.
"""

import asyncio
import errno
import fcntl
import os
import socket
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import structlog
from django.db import connections

logger = structlog.get_logger(__name__)

Address = tuple[str, int]

# Per process. They do not use the threads of ordinary requests, but share the processor with them.
MAX_STREAMS = 2
# How long a client may go without reading.
STALLED_SECONDS = 30.0
# A response that is larger fills the disk rather than serves a client, and is broken off.
MAX_SPOOLED = 2 * 1024**3
CHUNK = 1024 * 1024

pool = ThreadPoolExecutor(MAX_STREAMS, thread_name_prefix="stream")


class BrokenOff(Exception):
    """A response that could not be produced to its end."""


class Spool:
    """A response body in an unlinked temporary file. One thread writes it while the event loop reads it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self.size = 0
        self.is_complete = False
        self.is_abandoned = False
        self.error: BaseException | None = None
        self.grown = asyncio.Event()

    def write_all(self, chunks: Iterable[bytes]) -> None:
        """Write the whole body, unless the client leaves before its end."""
        try:
            for chunk in chunks:
                self.write(chunk)
                if self.is_abandoned:
                    break
        except BaseException as error:
            self.error = error
        finally:
            self.is_complete = True
            self.loop.call_soon_threadsafe(self.grown.set)

    def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            written = self.file.write(view)
            view, self.size = view[written:], self.size + written
        if self.size > MAX_SPOOLED:
            raise OSError(errno.EFBIG, "The response is too large")
        self.loop.call_soon_threadsafe(self.grown.set)

    async def read(self, position: int) -> bytes:
        """Return the next bytes, or b"" at the end.

        :raises BrokenOff: the body could not be produced to its end.
        """
        while position == self.size and not self.is_complete:
            self.grown.clear()
            if position == self.size and not self.is_complete:
                await self.grown.wait()
        if position == self.size and self.error:
            raise BrokenOff(repr(self.error))
        return os.pread(self.file.fileno(), CHUNK, position)


def produce(spool: Spool, response: Any) -> None:
    """Write a streaming response to the spool, in a thread of the pool."""
    try:
        spool.write_all(response)
    finally:
        connections.close_all()


def close(response: Any) -> None:
    """Close a streaming response, in a thread of the pool, because that may use the database."""
    try:
        response.close()
    finally:
        connections.close_all()


async def send(protocol: Any, head: tuple[int, list[tuple[str, str]]], spool: Spool, client: Address) -> None:
    """Send what is written to the spool. Return when the client has read it or is gone."""
    try:
        with pipe() as path:
            protocol.response_file(*head, path)
            with breaking_off(client):
                file = await opened(path)
            try:
                with breaking_off(client):
                    await copy(spool, file)
            finally:
                os.close(file)
    except (BrokenOff, BrokenPipeError, TimeoutError) as error:
        logger.info("stream_abandoned", error=repr(error))
    finally:
        spool.is_abandoned = True


@contextmanager
def pipe() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pipe")
        os.mkfifo(path)
        yield path


async def opened(path: str) -> int:
    """Open the pipe for writing, once granian reads it: after the client has read the responses before this one."""
    deadline, pause = time.monotonic() + STALLED_SECONDS, 0.0005
    while True:
        with suppress(OSError):
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.25)


async def copy(spool: Spool, file: int) -> None:
    # Fewer turns of the event loop. Linux only, and refused if the user has many pipes.
    with suppress(AttributeError, OSError):
        fcntl.fcntl(file, fcntl.F_SETPIPE_SZ, CHUNK)
    position = 0
    while chunk := await spool.read(position):
        try:
            position += os.write(file, chunk)
        except BlockingIOError:
            await writable(file)
        else:
            await asyncio.sleep(0)


async def writable(file: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(file, ready.set)
    try:
        await asyncio.wait_for(ready.wait(), STALLED_SECONDS)
    finally:
        loop.remove_writer(file)


@contextmanager
def breaking_off(client: Address) -> Iterator[None]:
    """Close the client's connection on an error. Otherwise, the response would seem to end where the pipe ends."""
    try:
        yield
    except BaseException:
        disconnect(client)
        raise


def disconnect(client: Address) -> None:
    """Close the connection from this address and port. granian has no call for it, so look among the open files."""
    for name in os.listdir("/dev/fd"):
        # One of them was the listing itself; the listening socket has no peer.
        with suppress(OSError):
            if stat.S_ISSOCK(os.stat(int(name)).st_mode):
                with socket.socket(fileno=os.dup(int(name))) as connection:
                    if connection.getpeername()[:2] == client:
                        connection.shutdown(socket.SHUT_RDWR)
