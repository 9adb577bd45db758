"""Housekeeping jobs: retry stalled jobs, delete old jobs and expired admin sessions."""

import structlog
from django.core.management import call_command
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

log = structlog.get_logger(__name__)

# A failed job points to a bug that a developer may want to investigate.
DAYS_TO_KEEP_FAILED_JOBS = 30


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="retry_stalled_jobs")
async def retry_stalled_jobs(timestamp: int = 0) -> None:
    """Requeue the jobs of workers that sent no heartbeat for 30 seconds."""
    for job in await app.job_manager.get_stalled_jobs():
        try:
            await app.job_manager.retry_job(job)
        except UniqueViolation:
            # The same job is already waiting.
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        log.warning("stalled_job_requeued", job=job.id, task=job.task_name)


@app.periodic(cron="30 3 * * *")
@app.task(queueing_lock="purge_jobs")
async def purge_jobs(timestamp: int) -> None:
    hours = DAYS_TO_KEEP_FAILED_JOBS * 24
    await app.job_manager.delete_old_jobs(hours, include_failed=True, include_cancelled=True, include_aborted=True)


@app.periodic(cron="20 3 * * *")
@app.task(queueing_lock="clear_sessions")
def clear_sessions(timestamp: int) -> None:
    call_command("clearsessions")
