"""Changing the fields of a ticket."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from kit.errors import Faults, Forbidden, Invalid
from kit.versions import Expected
from projects.models import Visibility
from tickets import queries
from tickets.models import MAX_LABELS, Status, Ticket
from tickets.models.clock import columns_of
from tickets.models.label import normalized
from tickets.services import clock
from tickets.services.errors import TOO_MANY_LABELS, MergedStaysClosed, NotAllowed, TicketNotFound
from tickets.services.fields import Known, Place, check_due_date, faults, get_creator_id, get_project, in_milliseconds

# Field names that differ between the API and the history table.
NAME_IN_ERRORS = {
    "project_id": "project",
    "created_by_id": "created_by",
    "sla_due_at": "sla_due",
    "held_at": "on_hold_since",
    "merged_into_id": "merged_into",
    queries.ASSIGNEE: "assigned_users",
}


@transaction.atomic
def update(*, ticket_id: int, by: User, at: datetime, expected: Expected | None = None, **changes: Any) -> Ticket:
    """Change fields of a ticket. The database moves `version` and `updated_at` if anything really changed.

    `changes` can be title, description, project_id, status, type, venue, price, priority, due_at, labels and
    created_by_id.
    Since the row is locked first, only one of several changes that expect the same version succeeds.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    :raises NotAllowed: `by` is neither the creator, an assignee nor staff; or `by` is an assignee and moves the ticket
        into or out of a project that only the people involved can see.
    :raises VersionConflict, PreconditionFailed: as `expected` says; names the fields that have changed since.
    :raises MergedStaysClosed: the ticket was merged into another one, and the status is not closed.
    :raises Forbidden: another creator, and `by` is not an admin.
    :raises Invalid: a new due date is in the past; no such project or creator.
    """
    ticket = lock(ticket_id, by=by)
    if write(ticket, checked(ticket, changes, by=by, at=at, expected=expected)):
        refresh(ticket)
    return ticket


def lock(ticket_id: int, *, by: User) -> Ticket:
    """Return the ticket, with its row locked until the transaction ends.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    """
    ticket = Ticket.objects.visible_to(by).locked().filter(pk=ticket_id).first()
    if ticket is None:
        raise TicketNotFound
    return ticket


def check_visible(ticket_id: int, *, by: User) -> None:
    """Check that there is such a ticket, without locking it.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    """
    if not Ticket.objects.visible_to(by).filter(pk=ticket_id).exists():
        raise TicketNotFound


def checked(
    ticket: Ticket, changes: dict[str, Any], *, by: User, at: datetime, expected: Expected | None = None
) -> dict[str, Any]:
    """Check changes of a locked ticket and return the columns to write, those of its clock included.

    :raises: as `update`.
    """
    if not ticket.may_be_assigned_by(by) and not ticket.assignments.filter(user=by).exists():
        raise NotAllowed
    check_version(ticket, expected)
    columns = _as_stored(changes)
    changed = _changed(ticket, columns)
    if ticket.merged_into_id is not None and columns.get("status", Status.CLOSED) != Status.CLOSED:
        raise MergedStaysClosed
    if len(columns.get("labels", ())) > MAX_LABELS:
        raise Invalid(fields={"labels": [TOO_MANY_LABELS]})
    known = Known.of([changed], by=by)
    try:
        check_due_date(changed.get("due_at"), at=at)
        if "project_id" in changed:
            _check_move(ticket, to=get_project(columns["project_id"], known), by=by)
        if "created_by_id" in changed:
            get_creator_id(columns["created_by_id"], known, by=by)
            if not by.is_admin:
                raise Forbidden
    except Invalid as error:
        raise Invalid(fields=faults(known, by=by, at=at, **changed)) from error
    return columns | columns_of(clock.updated(ticket, columns, at=at))


def change_faults(*, ticket_id: int, by: User, at: datetime, **changes: Any) -> Faults:
    """Return the errors in these values that `update` would raise; none if `by` may not see the ticket."""
    ticket = Ticket.objects.visible_to(by).filter(pk=ticket_id).first()
    if ticket is None:
        return {}
    changed = _changed(ticket, _as_stored(changes))
    return faults(Known.of([changed], by=by), by=by, at=at, **changed)


def _as_stored(changes: dict[str, Any]) -> dict[str, Any]:
    columns = dict(changes)
    if columns.get("due_at"):
        columns["due_at"] = in_milliseconds(columns["due_at"])
    if "labels" in columns:
        columns["labels"] = normalized(columns["labels"])
    return columns


def _changed(ticket: Ticket, columns: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if value != getattr(ticket, name)}


def write(ticket: Ticket, columns: dict[str, Any]) -> bool:
    """Save the columns whose values differ. Return whether there were any."""
    changed = _changed(ticket, columns)
    if not changed:
        return False
    for name, value in changed.items():
        setattr(ticket, name, value)
    ticket.save(update_fields=changed)
    return True


def write_around(ticket: Ticket, columns: dict[str, Any], assign: Callable[[], object]) -> None:
    """Write columns and assign people. A closed ticket takes none, so reopening comes first and closing last."""
    is_closing = columns.get("status") == Status.CLOSED
    if not is_closing:
        write(ticket, columns)
    assign()
    if is_closing:
        write(ticket, columns)


def refresh(ticket: Ticket) -> None:
    """Read the columns that triggers have set."""
    ticket.refresh_from_db(fields=["version", "updated_at", "closed_at", "sla_met"])


def check_version(ticket: Ticket, expected: Expected | None) -> None:
    """Check that a change is meant for this version of a locked ticket.

    :raises VersionConflict, PreconditionFailed: it is meant for another one; names the fields that have changed since.
    """

    def changed_since(version: int) -> list[str]:
        changed = queries.changed_fields(ticket_id=ticket.pk, since=version)
        return [NAME_IN_ERRORS.get(name, name) for name in changed]

    if expected:
        expected.check(ticket.version, changed_since, name="ticket")


def _check_move(ticket: Ticket, *, to: Place, by: User) -> None:
    is_hidden = Visibility.INVOLVED in (ticket.project.visibility, to.visibility)
    if is_hidden and not ticket.may_be_assigned_by(by):
        raise NotAllowed
