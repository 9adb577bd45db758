"""Send long responses as fast as the client reads them, without holding a thread or much memory meanwhile.

granian keeps in memory whatever the client has not read yet, but it reads files only as fast as it can send them. So a
long response is written to a deleted file at once, which frees the thread that produced it. The event loop copies it
from there into a named pipe that granian reads, and gives up on a client that stops reading.
"""

import asyncio
import errno
import fcntl
import os
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import structlog
from django.db import connections

logger = structlog.get_logger(__name__)

Headers = list[tuple[str, str]]

# Threads per process that produce responses; others wait for one of these to end. They are not the threads of ordinary
# requests, but share the processor with them.
MAX_PRODUCED = 2
# A longer response would only fill the disk, so it is broken off.
MAX_SPOOLED = 2 * 1024**3
# How often to call a response's method `renew`, if it has one, while it is being sent.
RENEW_SECONDS = 60
# A client that takes longer than STALLED_SECONDS to read CHUNK bytes is cut off: 8 KiB a second is enough.
CHUNK = 256 * 1024
STALLED_SECONDS = 30

pool = ThreadPoolExecutor(MAX_PRODUCED, thread_name_prefix="stream")


class Abandoned(Exception):
    """The client is gone, so the rest need not be produced."""


class Failed(Exception):
    """The response could not be produced to its end."""


class Spool:
    """A response in a file without a name. A thread writes it; meanwhile, the event loop sends what is there.

    `response`, if given, is closed once it has been sent.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, status: int, headers: Headers, response: Any = None) -> None:
        self.loop = loop
        self.status = status
        self.headers = headers
        self.response = response
        self.file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  `send` closes it.
        self.changed = asyncio.Event()
        self.is_abandoned = self.is_written = self.is_broken = False

    def write(self, content: bytes) -> None:
        """Append to the response.

        :raises Abandoned: the client is gone.
        :raises OSError: the response is too long, or the disk is full.
        """
        view = memoryview(content)
        while view:
            if self.is_abandoned:
                raise Abandoned
            view = view[self.file.write(view) :]
        if self.file.tell() > MAX_SPOOLED:
            raise OSError(errno.EFBIG, "The response is too long")
        self.loop.call_soon_threadsafe(self.changed.set)

    def end(self, *, is_broken: bool = False) -> None:
        """Declare the response complete, or broken: nothing more will be appended."""
        self.is_broken = is_broken
        self.is_written = True
        self.loop.call_soon_threadsafe(self.changed.set)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what has been written, and wait for more until the end.

        :raises Failed: the response is broken.
        """
        offset = 0
        while not self.is_broken:
            is_written = self.is_written
            while chunk := os.pread(self.file.fileno(), CHUNK, offset):
                yield chunk
                offset += len(chunk)
            if is_written:
                return
            await self.change()
        raise Failed

    async def close(self) -> None:
        """Stop the thread that writes the response, delete the file, and close the response."""
        self.is_abandoned = True
        while not self.is_written:
            await self.change()
        self.file.close()
        response, self.response = self.response, None
        if response:
            await asyncio.to_thread(in_database, response.close)

    async def change(self) -> None:
        await self.changed.wait()
        self.changed.clear()


def in_database(call: Callable[[], object]) -> None:
    """Call a function that may use the database, in a thread that does not keep the connection."""
    try:
        call()
    finally:
        connections.close_all()


def produce(spool: Spool) -> None:
    """Write a streaming response to its spool."""
    is_broken = True
    try:
        for chunk in spool.response:
            spool.write(chunk)
        is_broken = False
    except Abandoned:
        pass
    except BaseException:
        # Of any kind: the thread must survive it.
        logger.exception("stream_failed")
    finally:
        connections.close_all()
        spool.end(is_broken=is_broken)


async def send(protocol: Any, spool: Spool, client: tuple[str, int]) -> None:
    """Send the response in a spool. Return when the client has read it or is gone."""
    renewing = asyncio.create_task(renew(spool.response))
    try:
        with pipe() as path:
            protocol.response_file(spool.status, spool.headers, path)
            async with opened(path) as file:
                # Before the pipe is closed: otherwise the client would take a partial response for a complete one.
                with breaking_off(client):
                    async for chunk in spool.chunks():
                        async with asyncio.timeout(STALLED_SECONDS):
                            await write(file, chunk)
                # Before the pipe: who has read an export to its end can start the next one.
                await spool.close()
    except (BrokenPipeError, TimeoutError, Failed) as error:
        logger.info("stream_abandoned", error=repr(error))
    finally:
        renewing.cancel()
        await spool.close()


async def renew(response: Any) -> None:
    while hasattr(response, "renew"):
        await asyncio.sleep(RENEW_SECONDS)
        await asyncio.to_thread(in_database, response.renew)


@contextmanager
def pipe() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pipe")
        os.mkfifo(path)
        yield path


@asynccontextmanager
async def opened(path: str) -> AsyncIterator[int]:
    """Open the pipe for writing once granian reads it, which is after the client has read all earlier responses."""
    pause = 0.0005
    async with asyncio.timeout(STALLED_SECONDS):
        while True:
            with suppress(OSError):
                file = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.25)
    with suppress(AttributeError, OSError):
        # Linux only: as many bytes as are written at once.
        fcntl.fcntl(file, fcntl.F_SETPIPE_SZ, CHUNK)
    try:
        yield file
    finally:
        os.close(file)


@contextmanager
def breaking_off(client: tuple[str, int]) -> Iterator[None]:
    """Close the client's connection on an error.

    A broken pipe says that it is closed. The client's port may belong to another connection by now.
    """
    try:
        yield
    except BrokenPipeError:
        raise
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


async def write(file: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        try:
            view = view[os.write(file, view) :]
        except BlockingIOError:
            await writable(file)


async def writable(file: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(file, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(file)
