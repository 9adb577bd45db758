"""`manage.py worker`: run background jobs, mail among them. Start any number of workers, on any number of machines."""

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
    help = "Run background jobs until Ctrl-C or SIGTERM, then finish the running ones and exit."
    # `serve` and `migrate` run the checks, which load every view of the site.
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        # In addition to one connection per job and one that listens; the default maximum is 4.
        connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=2)
        connections.close_all()
        with app.replace_connector(connector):
            was_stopped = asyncio.run(work())
        if not was_stopped:
            raise CommandError("The worker stopped unexpectedly. See the log above.")


async def work() -> bool:
    """Run jobs until stopped by a signal. Return False if the worker ended otherwise, as when the database is gone."""
    loop = asyncio.get_running_loop()
    # Each thread keeps a database connection.
    loop.set_default_executor(ThreadPoolExecutor(settings.WORKER_CONCURRENCY, thread_name_prefix="job"))
    async with app.open_async():
        # Pick up what an earlier worker left behind now rather than at the next periodic run.
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
    # A second cancellation would not wait for running jobs.
    if not running.cancelling():
        running.cancel()
