"""The worker with real receivers: nobody waits for somebody else's, and nothing is lost when a worker is killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone

from accounts.models import User
from kit.db import configuration
from notifications.tests.smtp import wait_until
from projects.tests.factories import make_project
from projects.tests.psql import psql
from webhooks import sending, services
from webhooks.models import Delivery, DeliveryStatus
from webhooks.tests.conftest import StartReceiver
from webhooks.tests.factories import make_delivery, make_webhook
from webhooks.tests.receivers import Receiver, Reply

pytestmark = [
    pytest.mark.database,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

StartWorker = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start_worker(tmp_path: Any) -> Iterator[StartWorker]:
    """`start_worker()` runs `manage.py worker` on the test database."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        environment = {
            "EMAIL_URL": f"filemail:///{tmp_path}",
            "DATABASE_URL": configuration.connection_url(connection.settings_dict),
            "WEBHOOK_ALLOW_PRIVATE": "on",
        }
        command = [sys.executable, "manage.py", "worker"]
        started.append(subprocess.Popen(command, cwd=configured.BASE_DIR, env={**os.environ, **environment}))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
        worker.wait()


def is_delivered(number: int) -> bool:
    return Delivery.objects.filter(status=DeliveryStatus.DELIVERED).count() >= number


class TestWorker:
    def test_delivers_changes_made_in_sql(self, receiver: Receiver, start_worker: StartWorker, admin: User) -> None:
        make_webhook(receiver.url, by=admin, events=["project.*"])
        project = make_project("Website")
        start_worker()
        psql("UPDATE projects_project SET name = 'By hand' WHERE id = %(id)s", id=project.pk)

        wait_until(lambda: len(receiver.received) == 2)

        assert [payload["type"] for payload in receiver.payloads] == ["project.created", "project.updated"]
        wait_until(lambda: is_delivered(2))

    def test_lets_nobody_wait_for_a_receiver_that_hangs(
        self, receiver: Receiver, start_receiver: StartReceiver, start_worker: StartWorker, admin: User
    ) -> None:
        hanging, released = start_receiver(), threading.Event()

        def hang(request: Any) -> Reply:
            released.wait(60)
            return Reply()

        hanging.reply = hang
        slow, fast = make_webhook(hanging.url, by=admin), make_webhook(receiver.url, by=admin)
        for number in range(200):
            make_delivery(slow, position=number)
        start_worker()
        wait_until(lambda: len(hanging.received) >= 20)
        began = time.monotonic()

        for number in range(200):
            make_delivery(fast, position=number)
        services.test(webhook_id=fast.pk, at=timezone.now())
        wait_until(lambda: len(receiver.received) == 201)

        assert time.monotonic() - began < 8
        # No more than its share is under way, and nothing of it has failed yet.
        assert len(hanging.received) == configured.WEBHOOK_CONCURRENCY
        assert not Delivery.objects.filter(webhook=slow, attempts__gt=0).exists()
        released.set()

    def test_can_be_killed(
        self,
        receiver: Receiver,
        start_worker: StartWorker,
        admin: User,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Every delivery arrives, those that were under way perhaps twice, under the same id."""
        receiver.reply = lambda request: (time.sleep(0.02), Reply())[1]
        webhook = make_webhook(receiver.url, by=admin)
        for number in range(400):
            make_delivery(webhook, position=number, body=f'{{"n":{number}}}')
        worker = start_worker()
        wait_until(lambda: len(receiver.received) >= 50)
        worker.kill()
        worker.wait()
        claimed = Delivery.objects.filter(claimed_until__isnull=False).count()
        # Instead of waiting for the leases to run out.
        Delivery.objects.filter(status=DeliveryStatus.PENDING).update(
            next_attempt_at=timezone.now(), claimed_until=None
        )

        start_worker()

        wait_until(lambda: is_delivered(400))
        counts = Counter(payload["n"] for payload in receiver.payloads)
        assert counts.keys() == set(range(400))
        assert 0 < claimed <= sending.AHEAD * configured.WEBHOOK_CONCURRENCY
        assert sum(counts.values()) <= 400 + claimed
        ids = {request.headers["webhook-id"] for request in receiver.received}
        assert len(ids) == 400

    def test_finishes_what_is_under_way_when_it_is_stopped(
        self, receiver: Receiver, start_worker: StartWorker, admin: User
    ) -> None:
        receiver.reply = lambda request: (time.sleep(1), Reply())[1]
        webhook = make_webhook(receiver.url, by=admin)
        for number in range(5):
            make_delivery(webhook, position=number)
        worker = start_worker()
        wait_until(lambda: len(receiver.received) == 5)

        worker.send_signal(signal.SIGTERM)

        assert worker.wait(timeout=60) == 0
        assert list(Delivery.objects.values_list("status", "attempts").distinct()) == [("delivered", 1)]

    def test_shares_the_work_with_others(self, receiver: Receiver, start_worker: StartWorker, admin: User) -> None:
        webhook = make_webhook(receiver.url, by=admin)
        for number in range(300):
            make_delivery(webhook, position=number)
        for _ in range(2):
            start_worker()

        wait_until(lambda: is_delivered(300))

        assert len(receiver.received) == 300
