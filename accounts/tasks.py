"""The jobs that delete expired refresh tokens and API keys, and forget sign-ins."""

from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts import audit, budgets, devices, services, tokens


@app.periodic(cron="10 3 * * *")
@app.task(queueing_lock="forget_expired_tokens")
def forget_expired_tokens(timestamp: int) -> None:
    call_command("flushexpiredtokens")


@app.periodic(cron="20 3 * * *")
@app.task(queueing_lock="forget_expired_keys")
def forget_expired_keys(timestamp: int) -> None:
    """Delete API keys a month after they have expired. Until then, their owners see why they stopped working."""
    services.purge_keys(expired_before=timezone.now() - timedelta(days=30))


@app.periodic(cron="30 3 * * *")
@app.task(queueing_lock="purge_audit_log")
def purge_audit_log(timestamp: int) -> None:
    audit.purge()


@app.periodic(cron="25 * * * *")
@app.task(queueing_lock="forget_sign_ins")
def forget_sign_ins(timestamp: int) -> None:
    """Delete failures, known devices and revoked sign-ins that no longer count."""
    budgets.purge(at=timezone.now())
    devices.purge(at=timezone.now())
    tokens.purge(at=timezone.now())
