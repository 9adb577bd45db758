"""Background jobs: forget who had tickets open, and keep the counts of labels small."""

from django.utils import timezone
from procrastinate.contrib.django import app

from tickets import services


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="forget_presences")
def forget_presences(timestamp: int) -> None:
    services.forget_absent(at=timezone.now())


@app.periodic(cron="45 * * * *")
@app.task(queueing_lock="fold_label_counts")
def fold_label_counts(timestamp: int) -> None:
    services.fold_label_counts()
