"""Run one long task per user at a time, whichever process serves it, and leave a thread to ordinary requests."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from kit.errors import Busy, TooMany
from kit.long_tasks.models import LongTask

# After the death of a process, the user has to wait this long.
LIFETIME = timedelta(minutes=3)
RENEW_SECONDS = 30
RETRY_SECONDS = 5


class ExportRunning(TooMany):
    message = "Another export or bulk change of yours is still running"


class AllBusy(Busy):
    code = Busy.code
    message = "The server is busy with other exports and bulk changes, please try again"


class Lease:
    """A user's right to run a long task. Renew it while the task makes progress."""

    def __init__(self, user_id: int) -> None:
        at, token = timezone.now(), uuid.uuid4()
        LongTask.objects.filter(user_id=user_id, expires_at__lte=at).delete()
        try:
            with transaction.atomic():
                LongTask.objects.create(user_id=user_id, token=token, expires_at=at + LIFETIME)
        except IntegrityError as error:
            raise ExportRunning(retry_after=RETRY_SECONDS) from error
        self.rows = LongTask.objects.filter(user_id=user_id, token=token)
        self.renewed = time.monotonic()

    def renew(self) -> None:
        if time.monotonic() - self.renewed > RENEW_SECONDS:
            self.rows.update(expires_at=timezone.now() + LIFETIME)
            self.renewed = time.monotonic()

    def release(self) -> None:
        self.rows.delete()

    def kept(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the chunks of an export and renew the lease meanwhile."""
        for chunk in chunks:
            self.renew()
            yield chunk


# Of this process: one thread always remains for ordinary requests.
slots = threading.BoundedSemaphore(max(settings.WEB_THREADS - 1, 1))


@contextmanager
def slot() -> Iterator[None]:
    """Occupy a thread with a long task.

    :raises AllBusy: only one thread is left.
    """
    if not slots.acquire(blocking=False):
        raise AllBusy
    try:
        yield
    finally:
        slots.release()


@contextmanager
def long_task(user_id: int) -> Iterator[Lease]:
    """Run a long task within a request."""
    lease = Lease(user_id)
    try:
        # The slot second: users who are refused for their other tasks must not keep it from others.
        with slot():
            yield lease
    finally:
        lease.release()
