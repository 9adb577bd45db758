"""Use cases: notify people, retry mail and delete old records. `sending` sends it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from psycopg.types.json import Jsonb

from accounts.models import User, UserType
from changes.services import sequence
from kit.db import sql
from notifications.models import Delivery, DeliveryQuerySet, Kind, State
from tickets import queries
from tickets.models import Ticket

# Changes that `announce_bookings` looks at per transaction.
BOOKING_BATCH = 500

# Password codes per user and hour. Anyone can request them.
MAX_RESET_MAILS = 5

# Tickets per transaction of `announce_deadlines`, which locks their rows.
DEADLINE_BATCH = 100


def notify(
    *, kind: str, about: str, users: Iterable[User], payload: dict[str, Any] | None = None, ticket: Ticket | None = None
) -> None:
    """Send each active user among `users` a mail of this kind (templates/emails), in the caller's transaction.

    `about` identifies the occasion: users who were notified of it before are left out. Runs one statement.
    """
    sql.row(
        "notifications/notify",
        kind=kind,
        about=about,
        user_ids=[user.pk for user in users],
        ticket_id=ticket and ticket.pk,
        payload=Jsonb(payload or {}),
    )


def mail_set_password(*, user_id: int) -> None:
    """Mail a new user a code to set their first password with. Only the first call for a user has an effect."""
    users = User.objects.filter(pk=user_id)
    notify(kind=Kind.SET_PASSWORD, about=f"user/{user_id}/set-password", users=users)


def mail_reset_code(*, email: str, at: datetime) -> None:
    """Mail the active user with this address, if there is one, a code to reset their password with.

    Sends at most one message per minute and MAX_RESET_MAILS per hour and user, however many requests come in.
    """
    for user in User.objects.with_email(email).filter(is_active=True):
        recent = Delivery.objects.filter(user=user, kind=Kind.RESET_PASSWORD, created_at__gt=at - timedelta(hours=1))
        if recent.count() >= MAX_RESET_MAILS:
            continue
        notify(
            kind=Kind.RESET_PASSWORD,
            about=f"user/{user.pk}/reset-password/{at:%Y-%m-%dT%H:%M}",
            users=[user],
        )


def announce_deadlines(*, at: datetime) -> int:
    """Notify assignees, watchers and admins of deadlines that are near or have passed. Return the number of tickets.

    `sla_alarm_at` says when the next announcement is due, so each is made once and costs nothing afterwards. A deadline
    that has moved is announced again. Workers running at the same time share the tickets.
    """
    number = 0
    while announced := _announce_some_deadlines(at):
        number += announced
    return number


@transaction.atomic
def _announce_some_deadlines(at: datetime) -> int:
    unannounced = Ticket.objects.with_due_alarm(at).with_assignees().locked(skip_locked=True)
    tickets = list(unannounced[:DEADLINE_BATCH])
    admins = list(User.objects.filter(type=UserType.ADMIN, is_active=True)) if tickets else []
    watchers = queries.watchers([ticket.pk for ticket in tickets])
    people = User.objects.in_bulk({user_id for ids in watchers.values() for user_id in ids})
    for ticket in tickets:
        kind = Kind.SLA_BREACHED if ticket.sla_due_at < at else Kind.SLA_AT_RISK
        due = ticket.sla_due_at.isoformat()
        notify(
            kind=kind,
            about=f"ticket/{ticket.pk}/{kind}/{due}",
            users=[
                *(assignment.user for assignment in ticket.assignments.all()),
                *(people[user_id] for user_id in watchers[ticket.pk]),
                *admins,
            ],
            payload={"title": ticket.title, "status": ticket.status, "priority": ticket.priority, "due": due},
            ticket=ticket,
        )
    announced = Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets])
    announced.filter(sla_due_at__gte=at).update(sla_alarm_at=F("sla_due_at"))
    announced.filter(sla_due_at__lt=at).update(sla_alarm_at=None)
    return len(tickets)


def announce_bookings() -> None:
    """Create the deliveries about bookings that were confirmed at once, which the log of changes names."""
    sequence()
    while sql.prepared("notifications/announce_confirmed", number=BOOKING_BATCH)[0]["number"] == BOOKING_BATCH:
        pass


@transaction.atomic
def retry(deliveries: DeliveryQuerySet, *, at: datetime) -> int:
    """Queue the failed and dead ones of these deliveries again, and reset their attempts. Return their number."""
    number = deliveries.given_up().update(state=State.PENDING, attempts=0, next_attempt_at=at)
    sql.row("notifications/wake")
    return number


def purge(*, older_than: timedelta, at: datetime) -> int:
    """Delete deliveries older than this, except pending ones. Return their number."""
    cutoff = at - older_than
    # A summary that is still to be sent needs the messages it replaces.
    old = Delivery.objects.filter(created_at__lt=cutoff).exclude(state=State.PENDING)
    old = old.filter(Q(summary=None) | ~Q(summary__state=State.PENDING))
    with transaction.atomic():
        Delivery.objects.filter(created_at__gte=cutoff, summary__in=old).update(summary=None)
        number, _ = old.delete()
    return number


def mute() -> None:
    """Send no notifications for changes made in the rest of the transaction. For loading rows in bulk."""
    sql.row("notifications/mute")
