"""Background jobs: delete old deliveries."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from webhooks import services


@app.periodic(cron="50 3 * * *")
@app.task(queueing_lock="purge_webhook_deliveries")
def purge_webhook_deliveries(timestamp: int) -> None:
    services.purge(older_than=timedelta(days=settings.WEBHOOK_KEEP_DAYS), at=timezone.now())
