"""The job that deletes expired idempotency keys."""

from django.utils import timezone
from procrastinate.contrib.django import app

from kit.idempotency.models import IdempotencyKey


@app.periodic(cron="50 3 * * *")
@app.task(queueing_lock="delete_expired_idempotency_keys")
def delete_expired_keys(timestamp: int) -> None:
    IdempotencyKey.objects.expired(timezone.now()).delete()
