"""Background jobs: fold the daily counts, send the weekly report."""

from django.utils import timezone
from procrastinate.contrib.django import app

from analytics import services


@app.periodic(cron="15 * * * *")
@app.task(queueing_lock="fold_daily_counts")
def fold_daily_counts(timestamp: int) -> None:
    services.fold_daily_counts()


# Hourly, because periodic jobs are scheduled in UTC, and the report in the site's zone.
@app.periodic(cron="5 * * * *")
@app.task(queueing_lock="send_weekly_report")
def send_weekly_report(timestamp: int) -> None:
    services.send_weekly_report(at=timezone.now())
