"""Telling people, and seeing to it that what they are told arrives."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from psycopg.types.json import Jsonb

from accounts.models import User, UserType
from kit.db import sql
from notifications import mails, transport
from notifications.models import Delivery, DeliveryQuerySet, Kind, Outage, State
from tickets.models import Ticket

log = structlog.get_logger(__name__)

# How many deliveries one look for work gives jobs to. There is one every few seconds; a server that comes back after a
# day is not to find them all in line at once, in front of those that are new.
MOST_AT_ONCE = 1000

# Tickets of one transaction of `tell_of_deadlines`, whose rows are locked meanwhile.
DEADLINES_AT_ONCE = 100

GONE = "There is no such user any more, or a deactivated one."
WITHHELD = "It was for staff, and the user is none any more."


def notify(
    *, kind: str, about: str, users: Iterable[User], payload: dict[str, Any] | None = None, ticket: Ticket | None = None
) -> None:
    """Tell each of these users once, if they are active, by a mail of that kind (templates/emails).

    In the caller's transaction: nobody hears of what is rolled back. `about` names the event: who was told of the same
    before is not told again. Takes one statement, however many users.
    """
    sql.row(
        "notifications/tell",
        kind=kind,
        about=about,
        user_ids=[user.pk for user in users],
        ticket_id=ticket and ticket.pk,
        payload=Jsonb(payload or {}),
    )


def mail_set_password(*, user_id: int) -> None:
    """Mail somebody who has no password yet a code to set one with, once."""
    users = User.objects.filter(pk=user_id)
    notify(kind=Kind.SET_PASSWORD, about=f"user/{user_id}/set-password", users=users)


def mail_reset_code(*, email: str, at: datetime) -> None:
    """Mail the active owner of this address, if there is one, a code to set a new password with.

    At most once a minute, however often somebody asks for it.
    """
    for user in User.objects.filter(email__iexact=email, is_active=True):
        notify(
            kind=Kind.RESET_PASSWORD,
            about=f"user/{user.pk}/reset-password/{at:%Y-%m-%dT%H:%M}",
            users=[user],
        )


def tell_of_deadlines(*, at: datetime) -> int:
    """Tell assignees and admins of SLA deadlines that come near, and of those that have passed. Returns of how many.

    Once of each: the ticket's row says what there is to tell next, and a deadline that was moved is another one. Costs
    nothing for what was told already. Of several workers each takes what no other has in hand.
    """
    number = 0
    while told := _tell_of_some_deadlines(at):
        number += told
    return number


@transaction.atomic
def _tell_of_some_deadlines(at: datetime) -> int:
    alarmed = Ticket.objects.alarmed(at).with_assignees().locked(skip_locked=True)
    tickets = list(alarmed[:DEADLINES_AT_ONCE])
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
    told = Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets])
    told.filter(sla_due_at__gte=at).update(sla_alarm_at=F("sla_due_at"))
    told.filter(sla_due_at__lt=at).update(sla_alarm_at=None)
    return len(tickets)


@transaction.atomic
def deliver(*, delivery_id: int, at: datetime) -> None:
    """Try to send a delivery that is due. Never raises for what is wrong with the mail or its server.

    A process that ends between the server's answer and the commit sends twice, never not at all.
    """
    if not _claim(delivery_id):
        return
    delivery = Delivery.objects.due(at).filter(pk=delivery_id).select_related("user", "booking__event").first()
    outage = Outage.objects.first()
    if delivery is None or (outage and outage.until > at):
        return
    if delivery.user and delivery.user.is_active:
        delivery.address, delivery.name = delivery.user.email, delivery.user.name
    elif not delivery.is_to_guest:
        delivery.fail(error=GONE)
        return
    try:
        with transaction.atomic():
            message = mails.compose(delivery)
        transport.send(message)
    except transport.Unreachable as error:
        _note_outage(str(error), at=at)
        return
    except mails.Withheld:
        delivery.fail(error=WITHHELD)
        return
    except transport.Rejected as error:
        log.warning("mail_rejected", delivery=delivery_id, error=str(error))
        delivery.fail(error=str(error))
    except Exception as error:
        # Whatever it was, a fault of ours included: the others go on, and this one comes again. What is not the
        # network's or the server's has a traceback of interest.
        log.warning(
            "mail_put_off",
            delivery=delivery_id,
            error=transport.describe(error),
            exc_info=not isinstance(error, OSError),
        )
        delivery.put_off(at=at, error=transport.describe(error))
    else:
        delivery.mark_sent(at=at)
        log.info("mail_sent", delivery=delivery_id, kind=delivery.kind, attempts=delivery.attempts)
    if outage:
        outage.delete()
        log.warning("mail_server_is_back", since=outage.began_at.isoformat())
        defer_due(at=at)


def _claim(delivery_id: int) -> bool:
    """Whether no other worker has it in hand, from here to the end of the transaction."""
    # Longer than any server takes that answers within EMAIL_TIMEOUT each time.
    patience = f"{30 * settings.EMAIL_TIMEOUT}s"
    return bool(sql.row("notifications/claim", delivery_id=delivery_id, patience=patience)["is_ours"])


def _note_outage(error: str, *, at: datetime) -> None:
    for outage in sql.rows("notifications/note_outage", at=at, error=error):
        log.error("mail_server_unreachable", failures=outage["failures"], error=error)


def defer_due(*, at: datetime) -> int:
    """Give jobs to deliveries that are due and have none, so that none is lost with its job. Returns to how many.

    After an outage one goes ahead to see whether it is over.
    """
    outage = Outage.objects.first()
    if outage and outage.until > at:
        return 0
    deferred: int = sql.row("notifications/defer_due", at=at, most=1 if outage else MOST_AT_ONCE)["deferred"]
    return deferred


@transaction.atomic
def retry(deliveries: DeliveryQuerySet, *, at: datetime) -> int:
    """Send again those of them that were given up, as if they were new. Returns how many."""
    number = deliveries.given_up().update(state=State.PENDING, attempts=0, next_attempt_at=at)
    defer_due(at=at)
    return number


def purge(*, older_than: timedelta, at: datetime) -> int:
    """Forget deliveries made so long ago that were sent or given up. Returns how many."""
    old = Delivery.objects.filter(created_at__lt=at - older_than).exclude(state=State.PENDING)
    number, _ = old.delete()
    return number


def hush() -> None:
    """From here to the end of the transaction, what changes tells nobody. For loading rows in bulk."""
    sql.row("notifications/hush")
