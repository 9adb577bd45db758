"""The job that deletes expired refresh tokens."""

from django.core.management import call_command
from procrastinate.contrib.django import app


@app.periodic(cron="10 3 * * *")
@app.task(queueing_lock="forget_expired_tokens")
def forget_expired_tokens(timestamp: int) -> None:
    call_command("flushexpiredtokens")
