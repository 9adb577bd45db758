"""Background jobs that maintain the daily counts."""

from procrastinate.contrib.django import app

from analytics import services


@app.periodic(cron="15 * * * *")
@app.task(queueing_lock="fold_daily_counts")
def fold_daily_counts(timestamp: int) -> None:
    services.fold_daily_counts()
