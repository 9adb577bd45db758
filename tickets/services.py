"""What changes tickets. One keyword-only function a use case; the actor is `by`, the clock is `at`."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from kit.db.sql import violated
from kit.errors import Conflict, Forbidden, Invalid, Missing, Outdated, Refused
from projects.models import Project, Visibility
from sla.models import AT_RISK_SHARE, SlaPolicy
from tickets import queries
from tickets.models import MAX_ASSIGNEES, Assignment, Comment, Status, Ticket

# What is wrong with a field that its shape alone does not show.
DUE_DATE_PAST = "The due date must be in the future."
NO_SUCH_PROJECT = "No such project."
NO_SUCH_USER = "No such user."
CHANGED_MEANWHILE = "Changed meanwhile."

# What history calls otherwise than whoever asked for the change.
NAME_OF_CHANGED = {
    "project_id": "project",
    "created_by_id": "created_by",
    "sla_due_at": "sla_due",
    "held_at": "on_hold_since",
    queries.ASSIGNEE: "assigned_users",
}


class TicketNotFound(Missing):
    message = "Ticket not found"


class NotAllowed(Forbidden):
    """Neither its creator nor staff (for some calls: nor assigned)."""

    code = "not_allowed"


class TicketClosed(Conflict):
    message = "Cannot assign users to a closed ticket"


class UserNotFound(Missing):
    message = "User does not exist"


class AdminNotAssignable(Invalid):
    message = "Cannot assign a ticket to an admin"


class AlreadyAssigned(Conflict):
    message = "User already assigned"


class AssignmentLimitReached(Conflict):
    message = "User assignment limit reached"


class NotAssigned(Missing):
    message = "User is not assigned"


class AlreadyOnHold(Conflict):
    message = "Ticket is already on hold"


class NotOnHold(Conflict):
    message = "Ticket is not on hold"


class ClosedForHold(Conflict):
    message = "Cannot put a closed ticket on hold"


class InternalForStaff(Forbidden):
    message = "Only staff write internal comments"


class VersionConflict(Conflict):
    message = "The ticket has been changed meanwhile"


class PreconditionFailed(Outdated):
    message = "The ticket has been changed meanwhile"


# What the database says when a rule is broken past the checks below, as by SQL from elsewhere at the same time.
REFUSAL_OF_CONSTRAINT: dict[str, type[Refused]] = {
    "assignment_open_ticket": TicketClosed,
    "assignment_active_user": UserNotFound,
    "assignment_no_admin": AdminNotAssignable,
    "assignment_once": AlreadyAssigned,
    "assignment_slot_once": AssignmentLimitReached,
    "assignment_limit": AssignmentLimitReached,
}


@transaction.atomic
def create(
    *,
    by: User,
    at: datetime,
    title: str,
    project_id: int | None = None,
    created_by_id: int | None = None,
    assigned_user_ids: Sequence[int] = (),
    due_at: datetime | None = None,
    **fields: Any,
) -> Ticket:
    """Create a ticket, with its assignees or not at all. Mails nobody.

    `fields` are any of description, status, type, venue, price and priority; without a project it is "General"'s.

    :raises Invalid: the due date is past; no such project or creator.
    :raises Forbidden: somebody else's name under it, from one who is no admin.
    :raises TicketClosed, UserNotFound, AdminNotAssignable, AlreadyAssigned, AssignmentLimitReached: as `assign`.
    """
    due_at = due_at and _in_milliseconds(due_at)
    check_due_date(due_at, at=at)
    ticket = Ticket(
        title=title,
        project=_project(project_id),
        created_by=_creator(created_by_id, by=by),
        due_at=due_at,
        created_at=_in_milliseconds(at),
        **fields,
    )
    for name, value in _deadline(ticket, _policy(ticket.priority)).items():
        setattr(ticket, name, value)
    ticket.save(force_insert=True)
    _add_assignees(ticket, assigned_user_ids, by=by, at=ticket.created_at)
    return ticket


def check_due_date(due_at: datetime | None, *, at: datetime) -> None:
    """:raises Invalid: it is not in the future."""
    if due_at is not None and due_at <= at:
        raise Invalid(fields={"due_at": [DUE_DATE_PAST]})


def _in_milliseconds(moment: datetime) -> datetime:
    """A time as answers show it, so that a client who sends it back changes nothing."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _project(project_id: int | None) -> Project:
    if project_id is None:
        return Project.objects.general()
    project = Project.objects.filter(pk=project_id).first()
    if project is None:
        raise Invalid(fields={"project": [NO_SUCH_PROJECT]})
    return project


def _creator(created_by_id: int | None, *, by: User) -> User:
    if created_by_id is None or created_by_id == by.pk:
        return by
    creator = User.objects.filter(pk=created_by_id, is_active=True).first()
    if creator is None:
        raise Invalid(fields={"created_by": [NO_SUCH_USER]})
    if not by.is_admin:
        raise Forbidden
    return creator


@dataclass(frozen=True)
class Expected:
    """Which versions of a ticket a change is meant for, and how it is refused when the ticket has another."""

    versions: Collection[int]
    refusal: type[VersionConflict | PreconditionFailed] = VersionConflict


@transaction.atomic
def update(*, ticket_id: int, by: User, at: datetime, expected: Expected | None = None, **changes: Any) -> Ticket:
    """Change fields of a ticket. The database moves `version` and `updated_at`, and only when something did change.

    `changes` are any of title, description, project_id, status, type, venue, price, priority, due_at, created_by_id.
    The ticket's row is locked first, so of several changes `expected` of one version one is made.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` is neither its creator, an assignee nor staff; or is an assignee and moves it into or out
        of a project that only those involved see.
    :raises VersionConflict, PreconditionFailed: as `expected` says; with the fields that changed meanwhile.
    :raises Forbidden: another creator, from one who is no admin.
    :raises Invalid: a new due date is past; no such project or creator.
    """
    ticket = _lock(ticket_id, by=by)
    if not ticket.may_be_assigned_by(by) and not ticket.assignments.filter(user=by).exists():
        raise NotAllowed
    if expected and ticket.version not in expected.versions:
        raise expected.refusal(fields=_changed_since(ticket, max(expected.versions, default=ticket.version)))
    if due_at := changes.get("due_at"):
        changes["due_at"] = _in_milliseconds(due_at)
        if changes["due_at"] != ticket.due_at:
            check_due_date(changes["due_at"], at=at)
    if changes.get("project_id", ticket.project_id) != ticket.project_id:
        project = _project(changes["project_id"])
        _check_move(ticket, to=project, by=by)
        changes["project_id"] = project.pk
    if changes.get("created_by_id", ticket.created_by_id) != ticket.created_by_id:
        changes["created_by_id"] = _creator(changes["created_by_id"], by=by).pk
        if not by.is_admin:
            raise Forbidden
    changes |= _clock(ticket, changes, at=at)
    return _save(ticket, changes)


def _save(ticket: Ticket, changes: dict[str, Any]) -> Ticket:
    changed = {name: value for name, value in changes.items() if value != getattr(ticket, name)}
    if changed:
        for name, value in changed.items():
            setattr(ticket, name, value)
        ticket.save(update_fields=changed)
        ticket.refresh_from_db(fields=["version", "updated_at", "closed_at", "sla_met"])
    return ticket


def _changed_since(ticket: Ticket, version: int) -> dict[str, list[str]]:
    changed = queries.changed_fields(ticket_id=ticket.pk, since=version)
    return {NAME_OF_CHANGED.get(name, name): [CHANGED_MEANWHILE] for name in changed}


def _check_move(ticket: Ticket, *, to: Project, by: User) -> None:
    is_hidden = Visibility.INVOLVED in (ticket.project.visibility, to.visibility)
    if is_hidden and not ticket.may_be_assigned_by(by):
        raise NotAllowed


@transaction.atomic
def hold(*, ticket_id: int, by: User, at: datetime, reason: str = "") -> Ticket:
    """Stop the clock of a ticket: it is late neither now nor later, until somebody lets it go on.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` is no staff.
    :raises ClosedForHold: its clock stands still already.
    :raises AlreadyOnHold:
    """
    ticket = _lock(ticket_id, by=by)
    if not by.is_staff:
        raise NotAllowed
    if ticket.status == Status.CLOSED:
        raise ClosedForHold
    if ticket.held_at is not None:
        raise AlreadyOnHold
    return _save(ticket, {"held_at": _in_milliseconds(at), "hold_reason": reason})


@transaction.atomic
def resume(*, ticket_id: int, by: User, at: datetime) -> Ticket:
    """Let the clock of a ticket go on: as much of its time is left as when it stopped.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` is no staff.
    :raises NotOnHold:
    """
    ticket = _lock(ticket_id, by=by)
    if not by.is_staff:
        raise NotAllowed
    if ticket.held_at is None:
        raise NotOnHold
    return _save(ticket, _clock(ticket, {"held_at": None}, at=at) | {"held_at": None, "hold_reason": ""})


def _clock(ticket: Ticket, changes: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    """What these changes do to the clock of a ticket.

    It stands still while the ticket is on hold or closed. When that ends, and with a new priority, the deadline is
    worked out anew, by the policy as it is now. Of a closed ticket it stays. To close what is on hold ends the hold.
    """
    is_closed, was_closed = (
        status == Status.CLOSED for status in (changes.get("status", ticket.status), ticket.status)
    )
    if is_closed and was_closed:
        return {}
    is_over = is_closed or changes.get("held_at", ticket.held_at) is None
    stopped_at = ticket.closed_at if was_closed else ticket.held_at if is_over else None
    closing = {"closed_at": _in_milliseconds(at), "held_at": None, "hold_reason": ""} if is_closed else {}
    priority = changes.get("priority", ticket.priority)
    if stopped_at is None and priority == ticket.priority:
        return closing
    policy = _policy(priority)
    if stopped_at is None:
        return _deadline(ticket, policy) | closing
    stood_still = policy.business_hours.between(stopped_at, at)
    # Whole seconds: nobody is to lose a part of one.
    held_seconds = ticket.held_seconds + math.ceil(stood_still.total_seconds())
    return _deadline(ticket, policy, held_seconds=held_seconds) | {"held_seconds": held_seconds} | closing


def _policy(priority: str) -> SlaPolicy:
    return SlaPolicy.objects.select_related("calendar").get(pk=priority)


def _deadline(ticket: Ticket, policy: SlaPolicy, *, held_seconds: int | None = None) -> dict[str, Any]:
    """When a ticket is due by a policy, and why."""
    held_seconds = ticket.held_seconds if held_seconds is None else held_seconds
    return {
        "sla_hours": policy.hours,
        "sla_calendar": policy.calendar.name if policy.calendar else "",
        "sla_due_at": policy.due(ticket.created_at, held_seconds=held_seconds),
        "sla_warn_at": policy.due(ticket.created_at, held_seconds=held_seconds, share=AT_RISK_SHARE),
    }


@transaction.atomic
def assign(*, ticket_id: int, user_id: int, by: User) -> Assignment:
    """Put somebody to work on a ticket (document 000, section 4). Its row is locked first, so each check holds.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` neither created it nor is staff.
    :raises TicketClosed:
    :raises UserNotFound: or deactivated.
    :raises AdminNotAssignable:
    :raises AlreadyAssigned:
    :raises AssignmentLimitReached: MAX_ASSIGNEES are at work on it.
    """
    ticket = _lock(ticket_id, by=by)
    if not ticket.may_be_assigned_by(by):
        raise NotAllowed
    (assignment,) = _add_assignees(ticket, [user_id], by=by, at=timezone.now())
    return assignment


@transaction.atomic
def unassign(*, ticket_id: int, user_id: int, by: User) -> None:
    """Take somebody off a ticket, be it closed.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` neither created it, nor is staff, nor is the one to go.
    :raises NotAssigned:
    """
    ticket = _lock(ticket_id, by=by)
    if not ticket.may_be_assigned_by(by) and user_id != by.pk:
        raise NotAllowed
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
    """Let one person alone work on a ticket, None: nobody, and change its fields as `update` does: all or nothing.

    A ticket takes them also when the same call opens or closes it.

    :raises NotAllowed: `by` is no staff.
    :raises TicketNotFound, VersionConflict, PreconditionFailed, Forbidden, Invalid: as `update`.
    :raises TicketClosed, UserNotFound, AdminNotAssignable: as `assign`, of one who is not assigned already.
    """
    ticket = _lock(ticket_id, by=by)
    if not by.is_staff:
        raise NotAllowed
    closing = {"status": changes.pop("status")} if changes.get("status") == Status.CLOSED else {}
    # Before anything moves the version that was expected.
    ticket = update(ticket_id=ticket_id, by=by, at=at, expected=expected, **changes)
    replaced = ticket.assignments.all()
    if assignee_id is not None:
        replaced = replaced.exclude(user_id=assignee_id)
    replaced.delete()
    if assignee_id is not None and not ticket.assignments.exists():
        _add_assignees(ticket, [assignee_id], by=by, at=at)
    return update(ticket_id=ticket_id, by=by, at=at, **closing)


@transaction.atomic
def comment(*, ticket_id: int, by: User, at: datetime, message: str, is_internal: bool = False) -> Comment:
    """Say something about a ticket, be it closed. It moves no version; the database tells those whom it concerns.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises InternalForStaff: an internal one, from one who is no staff.
    """
    if not Ticket.objects.visible_to(by).filter(pk=ticket_id).exists():
        raise TicketNotFound
    if is_internal and not by.is_staff:
        raise InternalForStaff
    return Comment.objects.create(
        ticket_id=ticket_id, author=by, message=message, is_internal=is_internal, created_at=_in_milliseconds(at)
    )


@transaction.atomic
def reply(
    *, ticket_id: int, by: User, at: datetime, message: str, is_internal: bool = False, status: str | None = None
) -> Comment:
    """Comment on a ticket and give it that status, None: the one it has. Both or neither.

    :raises TicketNotFound, InternalForStaff: as `comment`.
    :raises NotAllowed: as `update`.
    """
    said = comment(ticket_id=ticket_id, by=by, at=at, message=message, is_internal=is_internal)
    if status is not None:
        update(ticket_id=ticket_id, by=by, at=at, status=status)
    return said


def _lock(ticket_id: int, *, by: User) -> Ticket:
    ticket = Ticket.objects.visible_to(by).locked().filter(pk=ticket_id).first()
    if ticket is None:
        raise TicketNotFound
    return ticket


def _add_assignees(ticket: Ticket, user_ids: Iterable[int], *, by: User, at: datetime) -> list[Assignment]:
    """Assign to a ticket whose row this transaction holds, in the order given."""
    user_ids = list(user_ids)
    if not user_ids:
        return []
    if ticket.status == Status.CLOSED:
        raise TicketClosed
    users = User.objects.in_bulk(user_ids)
    slot_of_user = dict(ticket.assignments.values_list("user_id", "slot"))
    added = []
    for user_id in user_ids:
        check_assignable(users.get(user_id), assigned=slot_of_user)
        slot = min(set(range(1, MAX_ASSIGNEES + 1)) - set(slot_of_user.values()))
        slot_of_user[user_id] = slot
        added.append(Assignment(ticket=ticket, user=users[user_id], slot=slot, assigned_by=by, assigned_at=at))
    try:
        return Assignment.objects.bulk_create(added)
    except IntegrityError as error:
        if refusal := REFUSAL_OF_CONSTRAINT.get(violated(error)):
            raise refusal from error
        raise


def check_assignable(user: User | None, *, assigned: Iterable[int]) -> None:
    """The rules about who may join those `assigned` already, by user id.

    :raises UserNotFound, AdminNotAssignable, AlreadyAssigned, AssignmentLimitReached:
    """
    if user is None or not user.is_active:
        raise UserNotFound
    if user.is_admin:
        raise AdminNotAssignable
    assigned = set(assigned)
    if user.pk in assigned:
        raise AlreadyAssigned
    if len(assigned) >= MAX_ASSIGNEES:
        raise AssignmentLimitReached
