"""The job that forgets changes that any usable replica has had for long."""

from datetime import timedelta

from django.utils import timezone
from procrastinate.contrib.django import app

from kit.replicas.models import RecentChange

LIFETIME = timedelta(hours=1)


@app.periodic(cron="25 * * * *")
@app.task(queueing_lock="forget_recent_changes")
def forget_recent_changes(timestamp: int) -> None:
    RecentChange.objects.filter(at__lt=timezone.now() - LIFETIME).delete()
