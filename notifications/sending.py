"""Send the mail that is due, a batch at a time, and record the outcomes. `mailer` calls it in the worker."""

import time
from datetime import datetime
from typing import Any, TypeVar, assert_never

import structlog
from django.conf import settings
from django.db import models, transaction

from accounts.models import User
from events.models import Booking, Event
from kit.db import sql
from notifications import attempts, backoff, services, transport
from notifications.attempts import NoRecipient, Outcome, Rejected, Sent, TemporaryFailure, Unreachable
from notifications.mails import Message
from notifications.models import Delivery, Outage

log = structlog.get_logger(__name__)

Loaded = TypeVar("Loaded", bound=models.Model)

# Messages that a killed worker may send twice, per connection to the mail server.
BATCH = 25
# With a slow server, a batch ends sooner, so that what was sent is recorded soon.
BATCH_SECONDS = 0.25


def deliver(*, at: datetime, connection: transport.Connection) -> bool:
    """Send up to BATCH messages that are due, and record the outcomes. Return whether more may be due.

    Messages beyond the limits are put off or become part of a summary. If a worker is killed, those of its batch that
    the server has accepted are sent twice rather than never.
    """
    found = _admit(at=at)
    if len(found) < BATCH:
        # Only now, because it slows down bookings, and mail that is already due is older.
        services.announce_bookings()
        found = _admit(at=at)
    ids = [delivery["id"] for delivery in found if delivery["is_sent"]]
    deliveries = _deliveries(ids) if ids else {}
    composed = {number: attempts.compose(deliveries[number]) for number in ids if number in deliveries}
    has_left = bool(composed) and _send(deliveries, composed, connection, at=at)
    has_more = has_left or len(found) == BATCH
    if not has_more:
        connection.close()
    return has_more


def _admit(*, at: datetime) -> list[dict[str, Any]]:
    return sql.prepared(
        "notifications/admit",
        at=at,
        number=BATCH,
        most_received=settings.MAIL_PER_RECIPIENT,
        most_caused=settings.MAIL_PER_CUSTOMER,
        most_to_guest=settings.MAIL_PER_GUEST,
    )


def _deliveries(ids: list[int]) -> dict[int, Delivery]:
    """Return deliveries by id, with what their messages are made of: a tenth of the time of Django's query."""
    return {row["id"]: _delivery(row) for row in sql.prepared("notifications/to_send", ids=ids)}


def _delivery(row: dict[str, Any]) -> Delivery:
    """Return the delivery of a row, with the objects that the names of its columns begin with."""
    fields: dict[str, dict[str, Any]] = {"": {}, "user": {}, "booking": {}, "booking.event": {}}
    for column, value in row.items():
        path, _, field = column.rpartition(".")
        fields[path][field] = value
    delivery = _loaded(Delivery, fields[""])
    if delivery.user_id:
        delivery.user = _loaded(User, fields["user"])
    if delivery.booking_id:
        delivery.booking = _loaded(Booking, fields["booking"])
        delivery.booking.event = _loaded(Event, fields["booking.event"])
    return delivery


def _loaded(model: type[Loaded], fields: dict[str, Any]) -> Loaded:
    """Return an object as if a query had returned it. Other fields are read when they are first used."""
    names = [field.attname for field in model._meta.concrete_fields if field.attname in fields]
    return model.from_db(None, names, [fields[name] for name in names])


@transaction.atomic
def _send(
    deliveries: dict[int, Delivery],
    composed: dict[int, Message | Outcome],
    connection: transport.Connection,
    *,
    at: datetime,
) -> bool:
    """Send composed messages and record the outcomes. Return whether others are left to be sent now.

    It stops early if the server is slow, and after the first message that shows that an outage is over.
    """
    outcomes: dict[int, Outcome] = {}
    has_more = False
    stops_at = time.monotonic() + BATCH_SECONDS
    claimed = _claim([*composed], at=at)
    for delivery in claimed:
        number = delivery["id"]
        found = composed[number]
        outcome = attempts.send(found, connection) if isinstance(found, Message) else found
        outcomes[number] = outcome
        if isinstance(outcome, Unreachable):
            break
        if delivery["is_outage"] and isinstance(found, Message):
            _end_outage()
            has_more = True
        if time.monotonic() > stops_at:
            has_more = has_more or len(outcomes) < len(claimed)
            break
    _record(outcomes, deliveries, at=at)
    return has_more


def _claim(ids: list[int], *, at: datetime) -> list[dict[str, Any]]:
    """Claim deliveries until the transaction ends. Return those that are still due and that no other worker holds."""
    # No server that replies within EMAIL_TIMEOUT to each command takes longer.
    patience = f"{30 * settings.EMAIL_TIMEOUT}s"
    return sql.prepared("notifications/claim", ids=ids, at=at, patience=patience)


def _record(outcomes: dict[int, Outcome], deliveries: dict[int, Delivery], *, at: datetime) -> None:
    for number, outcome in outcomes.items():
        _apply(outcome, deliveries[number], at=at)
    tried = [deliveries[number] for number, outcome in outcomes.items() if not isinstance(outcome, Unreachable)]
    if sent := [number for number, outcome in outcomes.items() if isinstance(outcome, Sent)]:
        # One line per batch, because a line takes as long as rendering a message.
        log.info("mail_sent", deliveries=sent)
    if tried:
        sql.prepared(
            "notifications/record",
            ids=[delivery.pk for delivery in tried],
            states=[delivery.state for delivery in tried],
            attempts=[delivery.attempts for delivery in tried],
            errors=[delivery.last_error for delivery in tried],
            next_attempts=[delivery.next_attempt_at for delivery in tried],
            sent=[delivery.sent_at for delivery in tried],
            addresses=[delivery.address for delivery in tried],
            names=[delivery.name for delivery in tried],
        )


def _apply(outcome: Outcome, delivery: Delivery, *, at: datetime) -> None:
    match outcome:
        case Sent():
            delivery.mark_sent(at=at)
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


def _end_outage() -> None:
    for outage in Outage.objects.all():
        outage.delete()
        log.warning("mail_server_is_back", since=outage.began_at.isoformat())
