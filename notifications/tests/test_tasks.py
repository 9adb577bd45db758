"""Background and periodic jobs of all apps, run by procrastinate as in a worker."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, connections
from django.utils import timezone
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app, connector_params
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.models import User
from notifications.models import Delivery, State
from notifications.tests.factories import make_delivery

pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.database]


@pytest.fixture(autouse=True)
def close_connections_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Close connections after each use, or they would outlive the test in the worker's threads."""
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)


def run_jobs() -> None:
    """Run all waiting jobs, as a worker would."""

    async def work() -> None:
        async with app.open_async():
            # A run ends when no job is waiting, although a running one may still queue others.
            while await app.job_manager.list_jobs_async(status="todo"):
                await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    with app.replace_connector(PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=2)):
        asyncio.run(work())


def run_periodic(name: str) -> None:
    """Queue a periodic task as the clock would, and run it."""
    app.tasks[name].defer(timestamp=0)
    run_jobs()


def statuses() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, status::text FROM procrastinate_jobs WHERE status <> 'todo' ORDER BY id")
        return list(cursor.fetchall())


class TestPasswordMail:
    def test_is_created_and_leaves_no_job_behind(self, owner: User) -> None:
        app.tasks["notifications.tasks.mail_set_password"].defer(user_id=owner.pk)

        run_jobs()

        assert statuses() == []
        assert Delivery.objects.get().state == State.PENDING


class TestPeriodicTasks:
    def test_replace_cron(self) -> None:
        schedule = {name: periodic.cron for (name, _), periodic in app.periodic_registry.periodic_tasks.items()}

        assert {
            "notifications.tasks.announce_deadlines": "* * * * *",
            "kit.tasks.retry_stalled_jobs": "* * * * *",
            "analytics.tasks.fold_daily_counts": "15 * * * *",
            "accounts.tasks.forget_expired_tokens": "10 3 * * *",
            "kit.tasks.clear_sessions": "20 3 * * *",
            "kit.tasks.purge_jobs": "30 3 * * *",
            "kit.idempotency.tasks.delete_expired_keys": "50 3 * * *",
            "notifications.tasks.purge_deliveries": "40 3 * * *",
        }.items() <= schedule.items()

    def test_all_run_without_errors(self) -> None:
        for name, _ in app.periodic_registry.periodic_tasks:
            app.tasks[name].defer(timestamp=0)

        run_jobs()

        assert statuses() == []

    def test_delete_old_deliveries(self, owner: User) -> None:
        long_ago = timezone.now() - timedelta(days=91)
        make_delivery(owner, state=State.SENT, sent_at=long_ago, created_at=long_ago)

        run_periodic("notifications.tasks.purge_deliveries")

        assert not Delivery.objects.exists()

    def test_delete_expired_sessions_and_tokens(self, owner: User) -> None:
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        Session.objects.create(session_key="old", expire_date=long_ago)
        OutstandingToken.objects.create(user=owner, jti="old", token="old", expires_at=long_ago)

        run_periodic("kit.tasks.clear_sessions")
        run_periodic("accounts.tasks.forget_expired_tokens")

        assert not Session.objects.exists()
        assert not OutstandingToken.objects.exists()


@pytest.mark.slow
class TestStalledJob:
    @pytest.fixture
    def stalled(self, owner: User) -> User:
        """A user whose mail a worker was about to create when it was killed."""
        job = app.tasks["notifications.tasks.mail_set_password"].configure(queueing_lock="a test")
        job_id = job.defer(user_id=owner.pk)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [job_id])
        return owner

    def test_is_run_again(self, stalled: User) -> None:
        run_periodic("kit.tasks.retry_stalled_jobs")

        assert Delivery.objects.get().user == stalled
        assert statuses() == []

    def test_is_dropped_if_the_same_job_is_waiting(self, stalled: User) -> None:
        job = app.tasks["notifications.tasks.mail_set_password"].configure(queueing_lock="a test")
        job.defer(user_id=stalled.pk)

        run_periodic("kit.tasks.retry_stalled_jobs")

        assert Delivery.objects.count() == 1
        assert statuses() == []
