"""Background jobs that keep the counts of labels small."""

from procrastinate.contrib.django import app

from tickets import services


@app.periodic(cron="45 * * * *")
@app.task(queueing_lock="fold_label_counts")
def fold_label_counts(timestamp: int) -> None:
    services.fold_label_counts()
