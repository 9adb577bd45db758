"""The job that forgets who had tickets open."""

from django.utils import timezone
from procrastinate.contrib.django import app

from tickets import services


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="forget_presences")
def forget_presences(timestamp: int) -> None:
    services.forget_absent(at=timezone.now())
