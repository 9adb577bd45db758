"""`manage.py worker`: does the jobs, mail among them, until it is stopped. Any number may run, on any machines."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app, connector_params
from procrastinate.exceptions import AlreadyEnqueued

from kit.tasks import retry_stalled_jobs
from notifications.tasks import defer_due

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Do background jobs until Ctrl-C or SIGTERM. Jobs that have begun are finished first."
    # They load every view of the site; `serve` and `migrate` have made them.
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        # Besides a connection a job and the one that listens; the default would be four more.
        connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=2)
        connections.close_all()
        with app.replace_connector(connector):
            was_stopped = asyncio.run(work())
        if not was_stopped:
            raise CommandError("The worker ended by itself; see above.")


async def work() -> bool:
    """Do jobs until told to stop. Returns False when it ended for another reason, such as a lost database."""
    loop = asyncio.get_running_loop()
    # Each thread of it keeps a database connection.
    loop.set_default_executor(ThreadPoolExecutor(settings.WORKER_CONCURRENCY, thread_name_prefix="job"))
    async with app.open_async():
        # What a predecessor left behind is not left until the next minute.
        for task in (retry_stalled_jobs, defer_due):
            with suppress(AlreadyEnqueued):
                await task.defer_async()
        running = asyncio.create_task(app.run_worker_async(install_signal_handlers=False))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, running)
        log.info("worker_started", concurrency=settings.WORKER_CONCURRENCY)
        try:
            await running
        except asyncio.CancelledError:
            log.info("worker_stopped")
            return True
    return False


def stop(running: asyncio.Task[None]) -> None:
    # A second cancellation would not wait for the jobs that have begun.
    if not running.cancelling():
        running.cancel()
