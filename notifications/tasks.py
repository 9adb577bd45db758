"""Jobs: sending, looking for what was left unsent, forgetting what is old."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from notifications import services


@app.task(queue="mail")
def deliver(*, delivery_id: int) -> None:
    """Named in migrations/0002: rows and their jobs are written by the database."""
    services.deliver(delivery_id=delivery_id, at=timezone.now())


@app.task(queue="mail")
def mail_set_password(*, user_id: int) -> None:
    services.mail_set_password(user_id=user_id)


@app.task(queue="mail")
def mail_reset_code(*, email: str) -> None:
    services.mail_reset_code(email=email, at=timezone.now())


# The sixth field is seconds.
@app.periodic(cron="* * * * * */5")
@app.task(queueing_lock="defer_due")
def defer_due(timestamp: int = 0) -> None:
    """What finds those that have no job yet, as bookings' have none, or were put off; and what ends an outage."""
    services.defer_due(at=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="tell_of_deadlines")
def tell_of_deadlines(timestamp: int = 0) -> None:
    services.tell_of_deadlines(at=timezone.now())


@app.periodic(cron="40 3 * * *")
@app.task(queueing_lock="purge_deliveries")
def purge_deliveries(timestamp: int) -> None:
    services.purge(older_than=timedelta(days=settings.MAIL_KEEP_DAYS), at=timezone.now())
