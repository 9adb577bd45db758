"""Sends mail in the worker: batch after batch, more of them at a time while the mail server is slow."""

import asyncio
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from kit.db import sql
from notifications import pacing, sending, transport

log = structlog.get_logger(__name__)

# Mail about bookings wakes nobody, retries come due, and a notification may be lost.
POLL_SECONDS = 3

# Each thread keeps its connections to the database and to the mail server.
_thread = threading.local()
# What the last batches have taken. A single one says little about the machine.
_recent: deque[pacing.Effort] = deque(maxlen=4)


@dataclass(frozen=True)
class Batch:
    """What came of a batch: whether more mail may be due, and how many seconds to pause before the next one."""

    has_more: bool
    pause: float = 0.0


def start() -> list[asyncio.Task[None]]:
    """Start the tasks that send mail until they are cancelled. They end only by failing."""
    woken = asyncio.Event()
    return [asyncio.create_task(sql.wake("mail", woken)), asyncio.create_task(_send(woken))]


async def _send(woken: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    batches: set[asyncio.Future[Batch]] = set()
    with ThreadPoolExecutor(settings.WORKER_CONCURRENCY, thread_name_prefix="mail") as pool:
        while True:
            if len(batches) < settings.WORKER_CONCURRENCY:
                batches.add(loop.run_in_executor(pool, _deliver))
            # One connection is the fastest way to a fast server. Others help when it makes us wait.
            done, batches = await asyncio.wait(
                batches, timeout=2 * sending.BATCH_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            results = [batch.result() for batch in done]
            if any(batch.has_more for batch in results):
                await asyncio.sleep(max(batch.pause for batch in results))
            elif results:
                # Python 3.11's `wait_for` ignores being cancelled at the moment in which it is woken.
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await woken.wait()
                woken.clear()


def _deliver() -> Batch:
    """Send a batch."""
    if not hasattr(_thread, "connection"):
        _thread.connection = transport.Connection()
    close_old_connections()
    began, before = time.monotonic(), pacing.effort()
    try:
        has_more = sending.deliver(at=timezone.now(), connection=_thread.connection)
    except Exception:
        # A bug, or a database that is away: the next attempt is a few seconds later.
        log.exception("mail_batch_failed")
        return Batch(has_more=False)
    _recent.append(pacing.effort() - before)
    seconds = time.monotonic() - began
    return Batch(has_more, pause=pacing.pause([*_recent], seconds=seconds) if settings.WORKER_NICENESS else 0)
