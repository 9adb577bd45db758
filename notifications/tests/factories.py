"""Deliveries, and the work that a commit and a worker would do on them."""

from datetime import datetime
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import connection as database
from django.utils import timezone

from accounts.models import User
from notifications import sending, transport
from notifications.models import Delivery


def make_delivery(user: User, **fields: Any) -> Delivery:
    """Create a pending delivery that is due, by default of a mail to set a password."""
    fields = {"kind": "set-password", "about": f"user/{user.pk}/{Delivery.objects.count()}", **fields}
    delivery = Delivery.objects.create(user=user, name=user.name, **{"address": user.email, **fields})
    delivery.refresh_from_db()
    return delivery


def end_of_transaction() -> None:
    """Fire the deferred triggers, as a commit would."""
    database.check_constraints()


def due_ids(*, at: datetime | None = None) -> list[int]:
    """Return the ids of deliveries that are due, in the order of creation."""
    return list(Delivery.objects.due(at or timezone.now()).order_by("id").values_list("id", flat=True))


def run_worker(*, at: datetime) -> None:
    """Send the mail that is due at the time `at`, as a worker does, until none is left."""
    connection = transport.Connection()
    while sending.deliver(at=at, connection=connection):
        pass


def clear_jobs() -> None:
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def html(mail: EmailMultiAlternatives) -> str:
    """Return the HTML part of a message."""
    ((content, kind),) = mail.alternatives
    assert kind == "text/html"
    return str(content)


def code_in(text: str) -> tuple[str, str]:
    """Return the `uid` and `code` that a mail contains. A code made now differs from it after a second."""
    words = text.split()
    return words[words.index("uid:") + 1], words[words.index("code:") + 1]
