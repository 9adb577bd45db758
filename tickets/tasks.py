"""Background jobs: forget who had tickets open, keep counts of labels small, note which titles have which words."""

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


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="note_title_words")
def note_title_words(timestamp: int) -> None:
    services.note_title_words()
