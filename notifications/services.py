"""Use cases: notify people, deliver their mail, retry it and delete old records."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, assert_never

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from psycopg.types.json import Jsonb

from accounts.models import User, UserType
from kit.db import sql
from notifications import backoff, transport
from notifications.attempts import NoRecipient, Outcome, Rejected, Sent, TemporaryFailure, Unreachable, attempt
from notifications.models import Delivery, DeliveryQuerySet, Kind, Outage, State
from tickets.models import Ticket

log = structlog.get_logger(__name__)

# Deliveries queued per run of `defer_due`, every few seconds: the backlog of a long outage must not delay new mail.
DEFER_LIMIT = 1000

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
    """Notify assignees and admins of SLA deadlines that are close or have passed. Return the number of tickets.

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
    for ticket in tickets:
        kind = Kind.SLA_BREACHED if ticket.sla_due_at < at else Kind.SLA_AT_RISK
        due = ticket.sla_due_at.isoformat()
        notify(
            kind=kind,
            about=f"ticket/{ticket.pk}/{kind}/{due}",
            users=[*(assignment.user for assignment in ticket.assignments.all()), *admins],
            payload={"title": ticket.title, "status": ticket.status, "priority": ticket.priority, "due": due},
            ticket=ticket,
        )
    announced = Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets])
    announced.filter(sla_due_at__gte=at).update(sla_alarm_at=F("sla_due_at"))
    announced.filter(sla_due_at__lt=at).update(sla_alarm_at=None)
    return len(tickets)


def deliver(*, delivery_id: int, at: datetime) -> None:
    """Try to send a delivery if it is due, and record the outcome. Beyond the limits, put it off or summarise it.

    If a worker is killed between the server's reply and the commit, the message is sent twice rather than never.
    """
    if _is_due(delivery_id, at=at) and _admit(delivery_id, at=at):
        _send(delivery_id, at=at)


def _is_due(delivery_id: int, *, at: datetime) -> bool:
    return Delivery.objects.due(at).filter(pk=delivery_id).exists() and not Outage.objects.filter(until__gt=at).exists()


def _admit(delivery_id: int, *, at: datetime) -> bool:
    """Return whether the delivery is sent now. Otherwise, it is now part of a summary, or put off."""
    limits = {
        "most_received": settings.MAIL_PER_RECIPIENT,
        "most_caused": settings.MAIL_PER_CUSTOMER,
        "most_to_guest": settings.MAIL_PER_GUEST,
    }
    is_sent: bool = sql.row("notifications/admit", delivery_id=delivery_id, at=at, **limits)["is_sent"]
    return is_sent


@transaction.atomic
def _send(delivery_id: int, *, at: datetime) -> None:
    if not _claim(delivery_id):
        return
    delivery = Delivery.objects.due(at).filter(pk=delivery_id).select_related("user", "booking__event").first()
    outage = Outage.objects.first()
    if delivery is None or (outage and outage.until > at):
        return
    outcome = attempt(delivery)
    _record(outcome, delivery, at=at)
    if outage and not isinstance(outcome, Unreachable | NoRecipient):
        _end(outage, at=at)


def _claim(delivery_id: int) -> bool:
    """Claim a delivery until the transaction ends; False if another worker holds it."""
    # No server that replies within EMAIL_TIMEOUT to each command takes longer.
    patience = f"{30 * settings.EMAIL_TIMEOUT}s"
    return bool(sql.row("notifications/claim", delivery_id=delivery_id, patience=patience)["is_ours"])


def _record(outcome: Outcome, delivery: Delivery, *, at: datetime) -> None:
    match outcome:
        case Sent():
            delivery.mark_sent(at=at)
            log.info("mail_sent", delivery=delivery.pk, kind=delivery.kind, attempts=delivery.attempts)
        case NoRecipient(reason):
            delivery.fail(error=reason)
        case Rejected(reason):
            log.warning("mail_rejected", delivery=delivery.pk, error=reason)
            delivery.fail(error=reason)
        case TemporaryFailure(error):
            description = transport.describe(error)
            # An error of the network or the server needs no traceback; a bug of ours does.
            traceback = None if isinstance(error, OSError) else error
            log.warning("mail_deferred", delivery=delivery.pk, error=description, exc_info=traceback)
            delivery.retry_later(at=at, error=description)
        case Unreachable(reason):
            _note_outage(reason, at=at)
        case _:
            assert_never(outcome)


def _note_outage(error: str, *, at: datetime) -> None:
    first, longest = backoff.FIRST_OUTAGE_PAUSE, backoff.LONGEST_OUTAGE_PAUSE
    for outage in sql.rows("notifications/note_outage", at=at, error=error, first=first, longest=longest):
        log.error("mail_server_unreachable", failures=outage["failures"], error=error)


def _end(outage: Outage, *, at: datetime) -> None:
    outage.delete()
    log.warning("mail_server_is_back", since=outage.began_at.isoformat())
    defer_due(at=at)


def defer_due(*, at: datetime) -> int:
    """Queue a job for each due delivery that has none, and return their number. Makes up for lost jobs.

    After the pause of an outage only one delivery is queued, to find out whether the server is back.
    """
    outage = Outage.objects.first()
    if outage and outage.until > at:
        return 0
    deferred: int = sql.row("notifications/defer_due", at=at, limit=1 if outage else DEFER_LIMIT)["deferred"]
    return deferred


@transaction.atomic
def retry(deliveries: DeliveryQuerySet, *, at: datetime) -> int:
    """Queue the failed and dead ones of these deliveries again, and reset their attempts. Return their number."""
    number = deliveries.given_up().update(state=State.PENDING, attempts=0, next_attempt_at=at)
    defer_due(at=at)
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
