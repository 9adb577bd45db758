"""Serve a WSGI application over granian's RSGI interface, with limits that its WSGI interface does not have.

The event loop reads the whole body, within a deadline, before a thread takes the request. Slow clients therefore hold
no thread, and no unread body forces the connection to close. Callers take turns (kit/web/turns.py), and large responses
are sent from files (kit/web/streams.py). Requests that wait for news hold no thread either (kit/web/waiting.py).
"""

import asyncio
import gc
import io
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from kit.web import streams
from kit.web.turns import Turns, owner_of
from kit.web.waiting import WAITS_UNTIL, Wait, Waiting, WaitingRoom, Watch

logger = structlog.get_logger(__name__)

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
# The response if it is large and still has to be sent, or None once granian has it.
Answered = asyncio.Future[streams.Spool | None]

# WSGI environment key: the status to refuse the request with. kit/web/middleware.py sends the response.
REFUSAL = "ticketing.refusal"
INCOMPLETE, TOO_SLOW, TOO_LARGE, URL_TOO_LONG, HEADERS_TOO_LARGE = 400, 408, 413, 414, 431
# granian itself accepts more than these, and its own refusals have no body.
MAX_URL = 8 * 1024
MAX_HEADERS = 32 * 1024
# A body over the limit is read and discarded up to this size, because a client that is still sending reads no response.
MAX_DISCARDED = 10 * 1024 * 1024
# granian keeps up to two responses of a connection whose client does not read them. Larger ones are sent from a file.
MAX_IN_MEMORY = 128 * 1024
# Files of known length up to this one, such as the documentation's scripts, are read by the request's own thread.
MAX_READ = 4 * 1024 * 1024

# How long a thread that has work waits for one that is busy, such as with an export, several times in each request.
# Python's default is five milliseconds.
SWITCH_SECONDS = 0.001

# Objects that may be created before the garbage collector looks for cycles among them.
MAX_YOUNG_OBJECTS = 5_000

# Stands for a value outside ASCII, which granian leaves out. Otherwise a precondition or a token would be ignored.
UNREADABLE = "\xff"

BASE_ENVIRON: Environ = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class Server:
    """The RSGI application. Each worker process runs the WSGI application in `threads` threads."""

    def __init__(
        self,
        application: Application,
        *,
        threads: int,
        body_seconds: float,
        max_body: int,
        watch: Watch = lambda number: {},
    ) -> None:
        self.application = application
        self.threads = threads
        self.body_seconds = body_seconds
        self.max_body = max_body
        self.watch = watch
        self.jobs: Turns[tuple[Any, Environ, Answered]] = Turns()
        # Requests whose response granian has. The event loop ends them with the next request, as waking it for each
        # would take longer than the rest of this module.
        self.answered: deque[Answered] = deque()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        sys.setswitchinterval(SWITCH_SECONDS)
        spare_the_collector()
        self.room = WaitingRoom(loop, self.watch)
        for number in (signal.SIGINT, signal.SIGTERM):
            self.close_room_at(number)
        for _ in range(self.threads):
            threading.Thread(target=with_large_stack, args=[self.work], daemon=True).start()

    def close_room_at(self, number: signal.Signals) -> None:
        """Let nobody wait any longer when a signal stops this process. granian's own handler is the event loop's."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(number, lambda *_: self.loop.call_soon_threadsafe(self.room.close))
            signal.siginterrupt(number, False)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        while self.answered:
            finish(self.answered.popleft())
        environ = to_environ(scope)
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            await self.read_body(environ, protocol)
        answered: Answered = self.loop.create_future()
        self.jobs.put(caller(environ), (protocol, environ, answered))
        spool = await answered
        if spool:
            await streams.send(protocol, spool, (environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"])))

    async def read_body(self, environ: Environ, protocol: Any) -> None:
        """Set `wsgi.input` to the whole body, or REFUSAL to why it could not be read."""
        length = environ.get("CONTENT_LENGTH", "")
        if length == "0":
            return
        try:
            async with asyncio.timeout(self.body_seconds):
                if length and int(length) <= self.max_body:
                    environ["wsgi.input"] = io.BytesIO(await protocol())
                elif await self.is_small(environ, protocol):
                    return
                else:
                    environ[REFUSAL] = TOO_LARGE
        except TimeoutError:
            environ[REFUSAL] = TOO_SLOW
        except RuntimeError:
            # The client closed the connection, or its chunks are malformed.
            environ[REFUSAL] = INCOMPLETE

    async def is_small(self, environ: Environ, protocol: Any) -> bool:
        """Read the body without keeping it. Return whether it ended within the limit."""
        if "HTTP_EXPECT" in environ:
            # The client waits for permission to send the body, which reading would give.
            return False
        size = 0
        async for chunk in protocol:
            size += len(chunk)
            if size > MAX_DISCARDED:
                break
        return size <= self.max_body

    def work(self) -> None:
        while True:
            protocol, environ, answered = self.jobs.get()
            try:
                self.answer(protocol, environ, answered)
            except BaseException as error:
                # Of any kind: the thread must survive it.
                logger.exception("request_failed_outside_django")
                self.loop.call_soon_threadsafe(fail, answered, error)

    def answer(self, protocol: Any, environ: Environ, answered: Answered) -> None:
        head: list[Any] = []

        def start_response(status: str, headers: Headers, exc_info: Any = None) -> None:
            if REFUSAL in environ:
                headers.append(("Connection", "close"))
            head[:] = int(status[:3]), headers

        response: Any = self.application(environ, start_response)
        if response.streaming and int(response.headers.get("Content-Length", MAX_READ)) >= MAX_READ:
            spool = streams.Spool(self.loop, head[0], head[1], response)
            streams.pool.submit(streams.produce, spool)
            self.loop.call_soon_threadsafe(finish, answered, spool)
            return
        body = b"".join(response)
        wait = getattr(response, "wait", None)
        if wait and wait.seconds and self.room.has_room_for(wait.caller):
            self.loop.call_soon_threadsafe(self.keep_waiting, protocol, environ, answered, wait, (*head, body))
        elif len(body) <= MAX_IN_MEMORY:
            protocol.response_bytes(*head, body)
            if REFUSAL in environ:
                # Ending the request is what closes the connection to a client that is still sending.
                self.loop.call_soon_threadsafe(finish, answered)
            else:
                self.answered.append(answered)
        else:
            if "Content-Length" not in response.headers:
                # As granian does for the others.
                head[1].append(("Content-Length", str(len(body))))
            spool = streams.Spool(self.loop, head[0], head[1])
            spool.write(body)
            spool.end()
            self.loop.call_soon_threadsafe(finish, answered, spool)
        response.close()

    def keep_waiting(
        self, protocol: Any, environ: Environ, answered: Answered, wait: Wait, response: tuple[int, Headers, bytes]
    ) -> None:
        """Keep a request, whose view has answered that there is nothing yet, until there is or its time is over."""
        until = environ.setdefault(WAITS_UNTIL, self.loop.time() + wait.seconds)

        def send() -> None:
            protocol.response_bytes(*response)
            finish(answered)

        request = Waiting(
            wait=wait,
            # Django adds to the environment.
            answer_again=lambda: self.jobs.put(caller(environ), (protocol, dict(environ), answered)),
            send=send,
            disconnected=protocol.client_disconnect,
            forget=lambda: finish(answered),
            since=time.monotonic(),
        )
        self.room.enter(request, until)


def with_large_stack(function: Callable[[], None]) -> None:
    """Call a function with memory at hand for the frames of all calls that it makes. Pages take a third less time.

    CPython keeps a thread's frames in chunks of 16 kB. Every call that crosses the end of one allocates the next and
    frees it on return, so a loop that happens to stand there is several times slower. A larger frame gets a larger
    chunk, and the rest of it is left to the frames of other calls.
    """
    function()


# As if it held this many values at once: 272 kB, in a chunk of 512. Only what is used takes memory.
with_large_stack.__code__ = with_large_stack.__code__.replace(co_stacksize=34_000)


def spare_the_collector() -> None:
    """Exempt what is loaded now from garbage collection, and collect less often.

    A request creates enough objects for several collections, each of which would visit all modules and models.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(MAX_YOUNG_OBJECTS, 10, 10)


def caller(environ: Environ) -> str:
    """Return whose turn a request takes: one per user or cookie, and one for everyone without from one address."""
    credential = environ.get("HTTP_AUTHORIZATION")
    if credential:
        return owner_of(credential)
    return environ.get("HTTP_COOKIE") or f"{environ['REMOTE_ADDR']} {environ.get('HTTP_X_FORWARDED_FOR', '')}"


def finish(answered: Answered, spool: streams.Spool | None = None) -> None:
    if not answered.done():
        answered.set_result(spool)


def fail(answered: Answered, error: BaseException) -> None:
    # Not the error itself: a future cannot hold StopIteration, and SystemExit would end the event loop.
    if not answered.done():
        answered.set_exception(RuntimeError(repr(error)))


def to_environ(scope: Any) -> Environ:
    """Return the WSGI environment of a request, without its body."""
    # `OPTIONS *` has no path.
    path = scope.path if scope.path.startswith("/") else f"/{scope.path}"
    environ = {
        **BASE_ENVIRON,
        "REQUEST_METHOD": scope.method,
        # WSGI strings are bytes decoded as Latin-1.
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(),
    }
    environ["SERVER_NAME"], _, environ["SERVER_PORT"] = scope.server.rpartition(":")
    address, _, environ["REMOTE_PORT"] = scope.client.rpartition(":")
    environ["REMOTE_ADDR"] = address.strip("[]")
    if len(environ["PATH_INFO"]) + len(environ["QUERY_STRING"]) > MAX_URL:
        environ[REFUSAL] = URL_TOO_LONG
    size = 0
    headers = scope.headers.items()
    unreadable = {*scope.headers.keys()} - {name for name, _ in headers}
    for name, value in [*headers, *((name, UNREADABLE) for name in unreadable)]:
        size += len(name) + len(value)
        # An underscore would pass for a hyphen: X_Forwarded_For for X-Forwarded-For.
        if "_" not in name:
            key = "HTTP_" + name.replace("-", "_").upper()
            is_repeated = key in environ and name != "content-length"
            environ[key] = f"{environ[key]},{value}" if is_repeated else value
    if size > MAX_HEADERS:
        environ[REFUSAL] = HEADERS_TOO_LARGE
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if (value := environ.pop(f"HTTP_{key}", None)) is not None:
            environ[key] = value
    if "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = scope.authority or ""
    return environ
