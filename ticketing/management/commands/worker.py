"""`manage.py worker`: send mail and webhooks, and run background jobs. Start as many as you like, on any machines."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections
from procrastinate import PsycopgConnector
from procrastinate.app import WorkerOptions
from procrastinate.contrib.django import app, connector_params
from procrastinate.exceptions import AlreadyEnqueued

from kit.db import sql
from kit.tasks import retry_stalled_jobs
from notifications import mailer
from webhooks import sender

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = (
        "Send mail and webhooks and run background jobs until Ctrl-C or SIGTERM, then finish what is running and exit."
    )
    # `serve` and `migrate` run the checks, which load every view of the site.
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        give_way()
        # In addition to one connection per thread and two that listen; the default maximum is 4.
        alias = sql.listening_alias() or DEFAULT_DB_ALIAS
        connector = PsycopgConnector(kwargs=connector_params(alias), min_size=1, max_size=2)
        connections.close_all()
        with app.replace_connector(connector):
            was_stopped = asyncio.run(work())
        if not was_stopped:
            raise CommandError("The worker stopped unexpectedly. See the log above.")


async def work() -> bool:
    """Run jobs and send mail and webhooks until stopped by a signal. Return False if that ended otherwise."""
    loop = asyncio.get_running_loop()
    # Each thread keeps a database connection.
    loop.set_default_executor(ThreadPoolExecutor(settings.WORKER_JOBS, thread_name_prefix="job"))
    async with app.open_async():
        # Pick up what an earlier worker left behind now rather than at the next periodic run.
        with suppress(AlreadyEnqueued):
            await retry_stalled_jobs.defer_async()
        options: WorkerOptions = {"install_signal_handlers": False}
        if sql.listening_alias() is None:
            options |= {"listen_notify": False, "fetch_job_polling_interval": mailer.POLL_SECONDS}
        if settings.TRACING:
            from ticketing.operations import tracing

            tracing.start()
            options |= {"worker_middleware": [tracing.trace_job]}
        running = [
            asyncio.create_task(app.run_worker_async(**options)),
            *mailer.start(),
            *sender.start(),
        ]
        stopped = loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, stopped)
        log.info("worker_started", concurrency=settings.WORKER_CONCURRENCY)
        await asyncio.wait([*running, stopped], return_when=asyncio.FIRST_COMPLETED)
        was_stopped = stopped.done()
        for task in running:
            task.cancel()
        for outcome in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("worker_failed", exc_info=outcome)
        log.info("worker_stopped")
        return was_stopped


def stop(stopped: asyncio.Future[None]) -> None:
    if not stopped.done():
        stopped.set_result(None)


def give_way() -> None:
    """Let the processes that answer requests go first where they share the machine."""
    os.nice(settings.WORKER_NICENESS)
    # On Linux, a session of its own gets as much time as the others, whatever the priorities within it are.
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(settings.WORKER_NICENESS))
