"""The jobs that delete expired refresh tokens and forget sign-ins."""

from django.core.management import call_command
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts import budgets, devices


@app.periodic(cron="10 3 * * *")
@app.task(queueing_lock="forget_expired_tokens")
def forget_expired_tokens(timestamp: int) -> None:
    call_command("flushexpiredtokens")


@app.periodic(cron="25 * * * *")
@app.task(queueing_lock="forget_sign_ins")
def forget_sign_ins(timestamp: int) -> None:
    """Delete failures and known devices that no longer count."""
    budgets.purge(at=timezone.now())
    devices.purge(at=timezone.now())
