"""Replacing the assignees of tickets, handing over all tickets of a colleague, and undoing both."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts import services as accounts
from accounts.models import User
from kit.db.sql import violated
from kit.errors import Conflict, Missing
from kit.versions import Expected
from tickets.models import Assignment, Status, Ticket, Undo
from tickets.services.assignments import add_assignee, check_assignable
from tickets.services.changes import check_version, lock, refresh
from tickets.services.errors import ERROR_OF_CONSTRAINT, AlreadyAssigned, NotAllowed, NotAssigned

# How many tickets to hand over in one transaction, which others wait for.
MAX_HANDED_OVER = 1_000
UNDO_TIME = timedelta(minutes=10)


class TooManyToHandOver(Conflict):
    message = f"At most {MAX_HANDED_OVER:,} open tickets can be handed over at once. Hand some over first"


class SamePerson(Conflict):
    message = "Choose somebody else to hand the tickets to"


class NothingToUndo(Missing):
    message = "This cannot be undone any more"


# Returns the ids of the assignees that a ticket should have, given those that it has.
Choice = Callable[[Sequence[int]], list[int]]


@dataclass(frozen=True)
class Reassigned:
    """A ticket whose assignees were set: who they were before, and the ticket's version afterwards."""

    ticket_id: int
    before: list[int]
    version: int
    is_changed: bool


def adding(user_id: int) -> Choice:
    """Return the choice of one more assignee."""

    def choose(before: Sequence[int]) -> list[int]:
        if user_id in before:
            raise AlreadyAssigned
        return [*before, user_id]

    return choose


def only(user_id: int | None) -> Choice:
    """Return the choice of one assignee in place of all others; None leaves nobody."""
    return lambda before: [] if user_id is None else [user_id]


def instead(from_id: int, to_id: int | None) -> Choice:
    """Return the choice of `to_id` in place of `from_id`, who has to be assigned; None only removes."""

    def choose(before: Sequence[int]) -> list[int]:
        if from_id not in before:
            raise NotAssigned
        others = [user_id for user_id in before if user_id != from_id]
        return others if to_id is None or to_id in others else [*others, to_id]

    return choose


@transaction.atomic
def reassign(*, ticket_id: int, choose: Choice, by: User, at: datetime, expected: Expected | None = None) -> Reassigned:
    """Set the assignees of a ticket. Others are removed first, so that there is room for the new ones.

    :raises TicketNotFound, NotAllowed, VersionConflict, PreconditionFailed: as for `assign`.
    :raises TicketClosed, UserNotFound, AdminNotAssignable, AssignmentLimitReached: as for `assign`, for a new assignee.
    :raises AlreadyAssigned, NotAssigned: as `choose` says.
    """
    ticket = lock(ticket_id, by=by)
    if not ticket.may_be_assigned_by(by):
        raise NotAllowed
    check_version(ticket, expected)
    before = list(ticket.assignments.values_list("user_id", flat=True))
    wanted = choose(before)
    removed = [user_id for user_id in before if user_id not in wanted]
    if removed:
        ticket.assignments.filter(user_id__in=removed).delete()
    added = [user_id for user_id in wanted if user_id not in before]
    for user_id in added:
        add_assignee(ticket, user_id, by=by, at=at)
    refresh(ticket)
    return Reassigned(ticket.pk, before, ticket.version, is_changed=bool(removed or added))


@transaction.atomic
def hand_over_all(
    *, user_id: int, to_id: int | None, by: User, at: datetime, may_leave_rest: bool = False
) -> list[Reassigned]:
    """Give all tickets of a user that are not closed to another one; None leaves them without this assignee.

    All or nothing, or the MAX_HANDED_OVER oldest if it may leave the rest. Tickets that the other one was assigned to
    already only lose the user.

    :raises NotAllowed: `by` is not staff.
    :raises SamePerson: `to_id` is the user.
    :raises TooManyToHandOver: there are more than MAX_HANDED_OVER, and it may not leave the rest.
    :raises UserNotFound, AdminNotAssignable: as for `assign`.
    """
    if not by.is_staff:
        raise NotAllowed
    if user_id == to_id:
        raise SamePerson
    unclosed = Ticket.objects.exclude(status=Status.CLOSED).filter(assignments__user_id=user_id)
    # All tickets before any user: the order in which others take these locks.
    ids = [ticket.pk for ticket in unclosed.locked().only("pk").order_by("pk")[: MAX_HANDED_OVER + 1]]
    if len(ids) > MAX_HANDED_OVER and not may_leave_rest:
        raise TooManyToHandOver
    ids = ids[:MAX_HANDED_OVER]
    before = _assignees(ids)
    _move_assignments(ids, user_id, to_id, by=by, at=at)
    after = _assignees(ids)
    versions = dict(Ticket.objects.filter(pk__in=ids).values_list("pk", "version"))
    return [
        Reassigned(ticket_id, before[ticket_id], versions[ticket_id], before[ticket_id] != after.get(ticket_id))
        for ticket_id in ids
        # Others may have removed the user while this transaction waited for a lock.
        if user_id in before.get(ticket_id, [])
    ]


def _assignees(ticket_ids: list[int]) -> dict[int, list[int]]:
    """Return the ids of the assignees of each ticket that has any."""
    found: dict[int, list[int]] = {}
    for ticket_id, user_id in Assignment.objects.filter(ticket__in=ticket_ids).values_list("ticket_id", "user_id"):
        found.setdefault(ticket_id, []).append(user_id)
    return found


def _move_assignments(ticket_ids: list[int], from_id: int, to_id: int | None, *, by: User, at: datetime) -> None:
    """Give assignments of locked tickets to another user, in two statements; triggers write the history."""
    mine = Assignment.objects.filter(ticket__in=ticket_ids, user_id=from_id)
    if to_id is None:
        mine.delete()
        return
    check_assignable(User.objects.filter(pk=to_id).first(), to_id, assigned=[])
    theirs = Assignment.objects.filter(ticket__in=ticket_ids, user_id=to_id)
    try:
        mine.filter(ticket__in=list(theirs.values_list("ticket_id", flat=True))).delete()
        mine.update(user_id=to_id, assigned_by=by, assigned_at=at)
    except IntegrityError as error:
        # The receiver was deactivated or became an admin in the meantime.
        if refusal := ERROR_OF_CONSTRAINT.get(violated(error)):
            raise refusal from error
        raise


@transaction.atomic
def deactivate(*, user_id: int, to_id: int | None, by: User, at: datetime) -> list[Reassigned]:
    """Deactivate a user and give their tickets that are not closed to another one; None leaves these to the others.

    :raises Forbidden, UserNotFound, SuperusersOnly, OwnAccount: as for `accounts.services.update`.
    :raises SamePerson, TooManyToHandOver, AdminNotAssignable: as for `hand_over_all`.
    """
    accounts.lock(user_id=user_id, by=by)
    handed = [] if to_id is None else hand_over_all(user_id=user_id, to_id=to_id, by=by, at=at)
    accounts.update(user_id=user_id, by=by, is_active=False)
    return handed


@transaction.atomic
def keep_for_undo(reassigned: Iterable[Reassigned], *, by: User, at: datetime) -> int | None:
    """Keep what `undo` needs, in place of the user's change before. Return its id, or None if nothing was changed."""
    tickets = [[each.ticket_id, each.version, each.before] for each in reassigned if each.is_changed]
    if not tickets:
        return None
    Undo.objects.filter(by=by).delete()
    return Undo.objects.create(by=by, made_at=at, tickets=tickets).pk


def undoable(*, undo_id: int, by: User, at: datetime) -> Undo | None:
    """Return the user's change of assignees, if it can still be undone."""
    return _undoable(undo_id, by, at).first()


def _undoable(undo_id: int, by: User, at: datetime) -> QuerySet[Undo]:
    return Undo.objects.filter(pk=undo_id, by=by, made_at__gt=at - UNDO_TIME)


@transaction.atomic
def take_undo(*, undo_id: int, by: User, at: datetime) -> list[Reassigned]:
    """Return what to undo, and forget it, so that it is undone once. Then call `undo` for each ticket.

    :raises NothingToUndo: it was undone already, is older than UNDO_TIME, or `by` has made another change since.
    """
    kept = _undoable(undo_id, by, at).select_for_update().first()
    if kept is None:
        raise NothingToUndo
    kept.delete()
    return [Reassigned(ticket_id, before, version, is_changed=True) for ticket_id, version, before in kept.tickets]


def undo(change: Reassigned, *, by: User, at: datetime) -> None:
    """Give a ticket the assignees that it had before a change.

    :raises VersionConflict: the ticket has changed since.
    :raises TicketNotFound, UserNotFound, AdminNotAssignable: as for `assign`.
    """
    expected = Expected({change.version})
    reassign(ticket_id=change.ticket_id, choose=lambda _: change.before, by=by, at=at, expected=expected)
