"""Requests whose callers wait for news. They hold no thread: the event loop keeps them until there is some.

A view that finds nothing yet answers so, and sets `wait` on its response. The server keeps the response back and, when
the watcher tells of news, has the view answer again. After the caller's time, it sends the response that it has kept.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog

logger = structlog.get_logger(__name__)

# Looks at the news: returns the newest number of each topic that has news after a number.
Watch = Callable[[int], Mapping[str, int]]

# WSGI environment key of requests that are answered again: the time of the loop's clock until which they wait.
WAITS_UNTIL = "ticketing.waits_until"

CHECK_SECONDS = 0.2
# The most requests that wait in one process: in total, and of one caller. Others are answered at once.
MAX_WAITING, MAX_OF_CALLER = 500, 10
# Answering all again at each change would take all time while there are many changes, so this is the limit per second.
ANSWERS_PER_SECOND = 100


@dataclass(frozen=True)
class Wait:
    """How many seconds a caller waits for news, of which topics, and the number up to which there is none."""

    caller: str
    seconds: float
    topics: Collection[str]
    known: int


@dataclass(frozen=True, eq=False)
class Waiting:
    """A request that waits, and what to do in the end: `answer_again`, or `send` the response there is."""

    wait: Wait
    answer_again: Callable[[], None]
    send: Callable[[], None]
    # Awaited until the client disconnects.
    disconnected: Callable[[], Any]
    forget: Callable[[], None]
    # When it was answered.
    since: float


class WaitingRoom:
    """The requests that wait in this process. Methods run in the event loop, and `watch` in a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, watch: Watch) -> None:
        self.loop = loop
        self.watch = watch
        self.waiting: dict[Waiting, list[asyncio.TimerHandle | asyncio.Task[None]]] = {}
        self.callers: Counter[str] = Counter()
        self.watcher: asyncio.Task[None] | None = None
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="watcher")
        # What the watcher knows: the newest number of each topic that has news after `began`, until `seen`.
        self.newest: dict[str, int] = {}
        self.began = self.seen = 0
        self.is_closed = False

    def has_room_for(self, caller: str) -> bool:
        return not self.is_closed and len(self.waiting) < MAX_WAITING and self.callers[caller] < MAX_OF_CALLER

    def enter(self, request: Waiting, until: float) -> None:
        """Keep a request until there is news, or until this time of the loop's clock."""
        if self.is_closed:
            request.send()
            return
        gone = self.loop.create_task(self._notice(request))
        self.waiting[request] = [self.loop.call_at(until, self._end, request, request.send), gone]
        self.callers[request.wait.caller] += 1
        if self.watcher is None:
            self.newest, self.began, self.seen = {}, request.wait.known, request.wait.known
            self.watcher = self.loop.create_task(self._watch())
        elif request.wait.known < self.began:
            self._end(request, request.answer_again)

    def close(self) -> None:
        """Send all responses, and let nobody else wait."""
        self.is_closed = True
        for request in [*self.waiting]:
            self._end(request, request.send)

    def _end(self, request: Waiting, do: Callable[[], None]) -> None:
        for handle in self.waiting.pop(request):
            handle.cancel()
        self.callers[request.wait.caller] -= 1
        if not self.callers[request.wait.caller]:
            del self.callers[request.wait.caller]
        do()

    async def _notice(self, request: Waiting) -> None:
        """Forget a request when its client disconnects."""
        await request.disconnected()
        if request in self.waiting:
            self._end(request, request.forget)

    async def _watch(self) -> None:
        while self.waiting:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                news = await self.loop.run_in_executor(self.thread, self.watch, self.seen)
            except Exception:
                # The database may be unreachable. Waiting requests are answered when their time is over.
                logger.exception("watching_failed")
                continue
            self.newest.update(news)
            self.seen = max([self.seen, *news.values()])
            self._tell()
        self.watcher = None

    def _tell(self) -> None:
        """Answer the requests again that have news. If many wait, leave out those that were answered a moment ago."""
        latest = time.monotonic() - len(self.waiting) / ANSWERS_PER_SECOND
        for request in [*self.waiting]:
            if request.since <= latest and self._has_news(request.wait):
                self._end(request, request.answer_again)

    def _has_news(self, wait: Wait) -> bool:
        return any(self.newest.get(topic, 0) > wait.known for topic in wait.topics)
