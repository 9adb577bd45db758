"""Sends deliveries in the worker: many at a time, none of which waits for another webhook's receiver."""

import asyncio
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from changes import services as changes
from kit.db import sql
from notifications import pacing
from webhooks import deriving, sending
from webhooks.sending import Claimed, Outcome

if TYPE_CHECKING:
    from webhooks.client import Client

log = structlog.get_logger(__name__)

# Changes wake nobody, retries come due, and a notification may be lost.
POLL_SECONDS = 1
# Deliveries that this worker claims at a time. They take turns by webhook (sql/functions/claim.sql).
MAX_CLAIMED = 2_000
# How long a claimed delivery waits for others to the same webhook. Its claim is then given up, before the lease ends.
MAX_WAIT_SECONDS = 30
# How long to collect outcomes before a turn records them.
GATHER_SECONDS = 0.02
# For attempts under way when the worker is stopped. It is killed soon after.
GRACE_SECONDS = 5


@dataclass(frozen=True)
class Turn:
    """The deliveries that a turn has claimed, and whether more may be waiting."""

    claimed: list[Claimed]
    has_more: bool


def start() -> list[asyncio.Task[None]]:
    """Start the tasks that send deliveries until they are cancelled. They end only by failing."""
    woken = asyncio.Event()
    return [asyncio.create_task(sql.wake("webhooks", woken)), asyncio.create_task(Sender(woken).run())]


class Sender:
    """Takes turns between the database, in one thread, and the attempts, which share the event loop."""

    def __init__(self, woken: asyncio.Event) -> None:
        self.woken = woken
        # Without a result if the delivery is given up.
        self.running: dict[asyncio.Task[Outcome | None], Claimed] = {}
        # Of each webhook: how many more attempts may be under way.
        self.places: defaultdict[int, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(settings.WEBHOOK_CONCURRENCY)
        )
        # Not recorded yet.
        self.finished: list[Outcome] = []
        self.given_up: list[Claimed] = []
        self.client: Client | None = None
        # What the last turns have taken. A single one says little about the machine.
        self.recent: deque[pacing.Effort] = deque(maxlen=4)

    async def run(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="webhooks") as self.thread:
            async with AsyncExitStack() as self.stack:
                try:
                    while True:
                        await self._wait(has_more=await self._turn())
                finally:
                    await self._end()

    async def _turn(self) -> bool:
        """Record what has finished, and start what is due. Return whether more may be due right now."""
        began, before = asyncio.get_running_loop().time(), pacing.effort()
        self._collect()
        outcomes, given_up = list(self.finished), list(self.given_up)
        free = MAX_CLAIMED - len(self.running)
        try:
            turn = await self._in_thread(_turn, outcomes, given_up, free)
        except Exception:
            # A bug, or a database that is away: the outcomes are recorded later.
            log.exception("webhook_turn_failed")
            await asyncio.sleep(POLL_SECONDS)
            return False
        self.finished, self.given_up = self.finished[len(outcomes) :], self.given_up[len(given_up) :]
        if turn.claimed:
            client = await self._client()
            for claimed in turn.claimed:
                self.running[asyncio.create_task(self._attempt(claimed, client))] = claimed
        self.recent.append(pacing.effort() - before)
        if settings.WORKER_NICENESS and (turn.claimed or turn.has_more):
            seconds = asyncio.get_running_loop().time() - began
            await asyncio.sleep(pacing.pause([*self.recent], seconds=seconds))
        return turn.has_more

    async def _attempt(self, claimed: Claimed, client: "Client") -> Outcome | None:
        """Send a delivery once there is a place for it, or return None if that takes too long."""
        places = self.places[claimed.webhook_id]
        try:
            async with asyncio.timeout(MAX_WAIT_SECONDS):
                await places.acquire()
        except TimeoutError:
            return None
        try:
            return await sending.attempt(claimed, client)
        finally:
            places.release()

    async def _client(self) -> "Client":
        """Return the client, which is made when there is something to send for the first time."""
        if self.client is None:
            from webhooks.client import Client

            self.client = await self.stack.enter_async_context(Client())
        return self.client

    async def _wait(self, *, has_more: bool) -> None:
        """Wait for an attempt to finish, for a notification, or for the time to look again."""
        if not has_more:
            waking = asyncio.create_task(self.woken.wait())
            try:
                await asyncio.wait([waking, *self.running], timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waking.cancel()
            self.woken.clear()
        if self.running:
            await asyncio.sleep(GATHER_SECONDS)

    def _collect(self) -> None:
        for task in [task for task in self.running if task.done()]:
            claimed, outcome = self.running.pop(task), task.result()
            if outcome:
                self.finished.append(outcome)
            else:
                self.given_up.append(claimed)

    async def _end(self) -> None:
        """Let attempts finish, record them, and give up those that take too long."""
        if self.running:
            await asyncio.wait(self.running, timeout=GRACE_SECONDS)
        self._collect()
        for task in self.running:
            task.cancel()
        with suppress(Exception):
            await self._in_thread(_end, self.finished, [*self.given_up, *self.running.values()])

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.thread, function, *arguments)


def _turn(outcomes: list[Outcome], given_up: list[Claimed], free: int) -> Turn:
    close_old_connections()
    sending.record(outcomes, at=timezone.now())
    sending.release(given_up)
    has_more = _derive()
    claimed = sending.claim(number=free, at=timezone.now()) if free else []
    return Turn(claimed, has_more=has_more)


def _derive() -> bool:
    """Create the deliveries about the next changes. If that fails, existing ones are still sent."""
    try:
        changes.sequence()
        return deriving.derive()
    except Exception:
        log.exception("webhook_deriving_failed")
        return False


def _end(outcomes: list[Outcome], given_up: list[Claimed]) -> None:
    sending.record(outcomes, at=timezone.now())
    sending.release(given_up)
