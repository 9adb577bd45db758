"""Putting a ticket on hold, and resuming it."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from kit.versions import Expected
from sla import clock
from tickets.models import Status, Ticket
from tickets.models.clock import columns_of
from tickets.services.changes import check_version, lock, refresh, write
from tickets.services.clock import business_hours_of
from tickets.services.errors import AlreadyOnHold, ClosedForHold, NotAllowed, NotOnHold
from tickets.services.fields import in_milliseconds


@transaction.atomic
def hold(*, ticket_id: int, by: User, at: datetime, reason: str = "", expected: Expected | None = None) -> Ticket:
    """Put a ticket on hold. Its SLA clock stops until it is resumed or closed.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` is not staff.
    :raises VersionConflict, PreconditionFailed: as for `update`.
    :raises ClosedForHold: the ticket is closed, so its clock has stopped already.
    :raises AlreadyOnHold:
    """
    ticket = _lock_for_staff(ticket_id, by=by, expected=expected)
    put_on_hold(ticket, at=at, reason=reason)
    refresh(ticket)
    return ticket


def put_on_hold(ticket: Ticket, *, at: datetime, reason: str) -> None:
    """Put a ticket on hold that this transaction has locked.

    :raises ClosedForHold, AlreadyOnHold: as for `hold`.
    """
    if ticket.status == Status.CLOSED:
        raise ClosedForHold
    if ticket.held_at is not None:
        raise AlreadyOnHold
    hours = business_hours_of(ticket)
    write(ticket, columns_of(clock.hold(ticket.clock, at=in_milliseconds(at), reason=reason, business_hours=hours)))


@transaction.atomic
def resume(*, ticket_id: int, by: User, at: datetime, expected: Expected | None = None) -> Ticket:
    """Take a ticket off hold. As much time is left until its deadline as when it was put on hold.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` is not staff.
    :raises VersionConflict, PreconditionFailed: as for `update`.
    :raises NotOnHold:
    """
    ticket = _lock_for_staff(ticket_id, by=by, expected=expected)
    if ticket.held_at is None:
        raise NotOnHold
    write(ticket, columns_of(clock.resume(ticket.clock, at=at, business_hours=business_hours_of(ticket))))
    refresh(ticket)
    return ticket


def _lock_for_staff(ticket_id: int, *, by: User, expected: Expected | None) -> Ticket:
    ticket = lock(ticket_id, by=by)
    if not by.is_staff:
        raise NotAllowed
    check_version(ticket, expected)
    return ticket
