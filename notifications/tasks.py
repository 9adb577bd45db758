"""Background jobs: mail password codes, announce SLA deadlines, delete old deliveries."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from notifications import services


@app.task(queue="mail")
def mail_set_password(*, user_id: int) -> None:
    """Mail a new user a code to set a password. `accounts` queues this task by its name."""
    services.mail_set_password(user_id=user_id)


@app.task(queue="mail")
def mail_reset_code(*, email: str) -> None:
    """Mail a user a code to reset their password. `accounts` queues this task by its name."""
    services.mail_reset_code(email=email, at=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="announce_deadlines")
def announce_deadlines(timestamp: int = 0) -> None:
    services.announce_deadlines(at=timezone.now())


@app.periodic(cron="40 3 * * *")
@app.task(queueing_lock="purge_deliveries")
def purge_deliveries(timestamp: int) -> None:
    services.purge(older_than=timedelta(days=settings.MAIL_KEEP_DAYS), at=timezone.now())
