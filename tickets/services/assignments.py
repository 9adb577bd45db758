"""Assigning people to a ticket, and removing them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from kit.db.sql import violated
from kit.versions import Expected
from tickets.models import MAX_ASSIGNEES, Assignment, Status, Ticket
from tickets.services.changes import check_version, checked, lock, refresh, write_around
from tickets.services.errors import (
    ERROR_OF_CONSTRAINT,
    AdminNotAssignable,
    AlreadyAssigned,
    AssignmentLimitReached,
    NotAllowed,
    NotAssigned,
    TicketClosed,
    UserNotFound,
)
from tickets.services.fields import Known, Person


@transaction.atomic
def assign(*, ticket_id: int, user_id: int, by: User, expected: Expected | None = None) -> Assignment:
    """Assign a user to a ticket (document 000, section 4).

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` is neither the creator nor staff.
    :raises VersionConflict, PreconditionFailed: as for `update`.
    :raises TicketClosed:
    :raises UserNotFound: no such user, or a deactivated one.
    :raises AdminNotAssignable:
    :raises AlreadyAssigned:
    :raises AssignmentLimitReached: the ticket has MAX_ASSIGNEES assignees.
    """
    ticket = lock(ticket_id, by=by)
    if not ticket.may_be_assigned_by(by):
        raise NotAllowed
    check_version(ticket, expected)
    return add_assignee(ticket, user_id, by=by, at=timezone.now())


@transaction.atomic
def unassign(*, ticket_id: int, user_id: int, by: User, expected: Expected | None = None) -> None:
    """Remove a user from a ticket, even from a closed one.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` is neither the creator, staff nor the user to remove.
    :raises VersionConflict, PreconditionFailed: as for `update`.
    :raises NotAssigned:
    """
    ticket = lock(ticket_id, by=by)
    if not ticket.may_be_assigned_by(by) and user_id != by.pk:
        raise NotAllowed
    check_version(ticket, expected)
    removed, _ = ticket.assignments.filter(user_id=user_id).delete()
    if not removed:
        raise NotAssigned


@transaction.atomic
def hand_over(
    *,
    ticket_id: int,
    assignee_id: int | None,
    by: User,
    at: datetime,
    expected: Expected | None = None,
    **changes: Any,
) -> Ticket:
    """Make one user the only assignee of a ticket (None leaves nobody), and change fields as `update` does.

    The assignee can be new even if the same call closes or reopens the ticket.

    :raises NotAllowed: `by` is not staff.
    :raises TicketNotFound, VersionConflict, PreconditionFailed, Forbidden, Invalid: as for `update`.
    :raises TicketClosed, UserNotFound, AdminNotAssignable: as for `assign`, if the assignee is new.
    """
    ticket = lock(ticket_id, by=by)
    if not by.is_staff:
        raise NotAllowed
    columns = checked(ticket, changes, by=by, at=at, expected=expected)
    write_around(ticket, columns, lambda: _replace_assignees(ticket, assignee_id, by=by, at=at))
    refresh(ticket)
    return ticket


def _replace_assignees(ticket: Ticket, assignee_id: int | None, *, by: User, at: datetime) -> None:
    replaced = ticket.assignments.all()
    if assignee_id is not None:
        replaced = replaced.exclude(user_id=assignee_id)
    replaced.delete()
    if assignee_id is not None and not ticket.assignments.exists():
        add_assignee(ticket, assignee_id, by=by, at=at)


def add_assignee(ticket: Ticket, user_id: int, *, by: User, at: datetime) -> Assignment:
    """Assign a user to a ticket that this transaction has locked.

    :raises TicketClosed, UserNotFound, AdminNotAssignable, AlreadyAssigned, AssignmentLimitReached: as for `assign`.
    """
    if ticket.status == Status.CLOSED:
        raise TicketClosed
    user = User.objects.filter(pk=user_id).first()
    slots = dict(ticket.assignments.values_list("user_id", "slot"))
    check_assignable(user, user_id, assigned=slots)
    slot = min(set(range(1, MAX_ASSIGNEES + 1)) - set(slots.values()))
    try:
        return ticket.assignments.create(user_id=user_id, slot=slot, assigned_by=by, assigned_at=at)
    except IntegrityError as error:
        if refusal := ERROR_OF_CONSTRAINT.get(violated(error)):
            raise refusal from error
        raise


def check_assignees(user_ids: Sequence[int], known: Known) -> None:
    """Check that these users can be assigned to a new ticket, in this order.

    :raises UserNotFound, AdminNotAssignable, AlreadyAssigned, AssignmentLimitReached: as for `assign`.
    """
    for position, user_id in enumerate(user_ids):
        check_assignable(known.people.get(user_id), user_id, assigned=user_ids[:position])


def check_assignable(user: User | Person | None, user_id: int, *, assigned: Collection[int]) -> None:
    """Check that a user can be assigned in addition to the users `assigned` already (ids).

    :raises UserNotFound, AdminNotAssignable, AlreadyAssigned, AssignmentLimitReached:
    """
    if user is None or not user.is_active:
        raise UserNotFound
    if user.is_admin:
        raise AdminNotAssignable
    if user_id in assigned:
        raise AlreadyAssigned
    if len(assigned) >= MAX_ASSIGNEES:
        raise AssignmentLimitReached
