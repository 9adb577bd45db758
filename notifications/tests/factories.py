"""Deliveries for tests, and what the ends of transactions and the workers do with them."""

from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import User
from notifications import services
from notifications.models import Delivery


def make_delivery(user: User, **fields: Any) -> Delivery:
    """A delivery of a mail to set a password, pending and due."""
    fields = {"kind": "set-password", "about": f"user/{user.pk}/{Delivery.objects.count()}", **fields}
    delivery = Delivery.objects.create(user=user, address=user.email, name=user.name, **fields)
    delivery.refresh_from_db()
    return delivery


def end_of_transaction() -> None:
    """What a commit would do now: fire the triggers that wait for it."""
    connection.check_constraints()


def jobs() -> list[int]:
    """The deliveries that have a job waiting, in the order in which workers take them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (args ->> 'delivery_id')::bigint FROM procrastinate_jobs"
            " WHERE status = 'todo' AND task_name = 'notifications.tasks.deliver' ORDER BY priority DESC, id"
        )
        return [delivery_id for (delivery_id,) in cursor.fetchall()]


def work(*, at: datetime) -> None:
    """Do the waiting jobs as a worker does whose clock shows `at`, and those that they make, until there is none."""
    while waiting := jobs():
        forget_jobs()
        for delivery_id in waiting:
            services.deliver(delivery_id=delivery_id, at=at)


def a_minute_passes(*, at: datetime) -> None:
    """The worker looks for what is due, as it does each minute, and does it."""
    services.defer_due(at=at)
    work(at=at)


def forget_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
