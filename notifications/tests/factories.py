"""Deliveries, and the work that a commit and a worker would do on them."""

from datetime import datetime
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import connection

from accounts.models import User
from notifications import services
from notifications.models import Delivery


def make_delivery(user: User, **fields: Any) -> Delivery:
    """Create a pending delivery that is due, by default of a mail to set a password."""
    fields = {"kind": "set-password", "about": f"user/{user.pk}/{Delivery.objects.count()}", **fields}
    delivery = Delivery.objects.create(user=user, address=user.email, name=user.name, **fields)
    delivery.refresh_from_db()
    return delivery


def end_of_transaction() -> None:
    """Fire the deferred triggers, as a commit would."""
    connection.check_constraints()


def queued_ids() -> list[int]:
    """Return the ids of deliveries that have a job waiting, in the order in which workers take them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (args ->> 'delivery_id')::bigint FROM procrastinate_jobs"
            " WHERE status = 'todo' AND task_name = 'notifications.tasks.deliver' ORDER BY priority DESC, id"
        )
        return [delivery_id for (delivery_id,) in cursor.fetchall()]


def run_queue(*, at: datetime) -> None:
    """Run the waiting jobs at the time `at`, and the jobs that they queue, until none is left."""
    while waiting := queued_ids():
        clear_jobs()
        for delivery_id in waiting:
            services.deliver(delivery_id=delivery_id, at=at)


def run_worker(*, at: datetime) -> None:
    """Queue what is due at the time `at`, as the periodic task does, and run it."""
    services.defer_due(at=at)
    run_queue(at=at)


def clear_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def html(mail: EmailMultiAlternatives) -> str:
    """Return the HTML part of a message."""
    ((content, kind),) = mail.alternatives
    assert kind == "text/html"
    return str(content)
