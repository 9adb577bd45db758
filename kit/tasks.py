"""Jobs about jobs, sessions of the admin, and idempotency keys."""

import structlog
from django.core.management import call_command
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from kit.idempotency.models import IdempotencyKey

log = structlog.get_logger(__name__)

# A failed job is a fault of ours that somebody may want to look into; most tell of themselves in the log.
DAYS_TO_KEEP_FAILED_JOBS = 30


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="retry_stalled_jobs")
async def retry_stalled_jobs(timestamp: int = 0) -> None:
    """Give back the jobs of workers that were killed: those show no sign of life for half a minute."""
    for job in await app.job_manager.get_stalled_jobs():
        try:
            await app.job_manager.retry_job(job)
        except UniqueViolation:
            # Another of the same waits already.
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        log.warning("stalled_job_taken_back", job=job.id, task=job.task_name)


@app.periodic(cron="30 3 * * *")
@app.task(queueing_lock="purge_jobs")
async def purge_jobs(timestamp: int) -> None:
    hours = DAYS_TO_KEEP_FAILED_JOBS * 24
    await app.job_manager.delete_old_jobs(hours, include_failed=True, include_cancelled=True, include_aborted=True)


@app.periodic(cron="20 3 * * *")
@app.task(queueing_lock="forget_sessions")
def forget_sessions(timestamp: int) -> None:
    call_command("clearsessions")


@app.periodic(cron="50 3 * * *")
@app.task(queueing_lock="forget_idempotency_keys")
def forget_idempotency_keys(timestamp: int) -> None:
    IdempotencyKey.objects.expired(timezone.now()).delete()
