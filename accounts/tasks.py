"""Jobs about tokens and lost passwords."""

from django.core.management import call_command
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts import services


@app.task
def mail_reset_code(*, email: str) -> None:
    services.mail_reset_code(email=email, at=timezone.now())


@app.periodic(cron="10 3 * * *")
@app.task(queueing_lock="forget_expired_tokens")
def forget_expired_tokens(timestamp: int) -> None:
    call_command("flushexpiredtokens")
