"""The job that deletes old changes."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from changes import services


@app.periodic(cron="20 3 * * *")
@app.task(queueing_lock="purge_changes")
def purge_changes(timestamp: int) -> None:
    services.sequence()
    services.purge(older_than=timedelta(days=settings.CHANGES_KEEP_DAYS), at=timezone.now())
