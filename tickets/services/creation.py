"""Creating a ticket."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from kit.errors import Faults, Invalid, Refused
from sla.models import Priority
from tickets.models import Status, Ticket
from tickets.models.clock import columns_of
from tickets.services import clock
from tickets.services.assignments import add_assignees, check_assignable
from tickets.services.fields import check_due_date, faults, get_creator, get_project, in_milliseconds


def new_faults(*, assigned_user_ids: Iterable[int] = (), by: User, at: datetime, **values: Any) -> Faults:
    """Return the errors in these values that `create` would raise."""
    found = faults(by=by, at=at, **values)
    try:
        check_assignable(assigned_user_ids)
    except Refused as refusal:
        found["assigned_users"] = [f"{refusal.message}."]
    return found


@transaction.atomic
def create(
    *,
    by: User,
    at: datetime,
    title: str,
    status: str = Status.OPEN,
    priority: str = Priority.MEDIUM,
    project_id: int | None = None,
    created_by_id: int | None = None,
    assigned_user_ids: Sequence[int] = (),
    due_at: datetime | None = None,
    **fields: Any,
) -> Ticket:
    """Create a ticket with its assignees, or nothing at all. Nobody is notified.

    `fields` can be description, type, venue and price. Without a project the ticket goes to "General".

    :raises Invalid: the due date is in the past; no such project or creator.
    :raises Forbidden: `created_by_id` is another user and `by` is not an admin.
    :raises TicketClosed, UserNotFound, AdminNotAssignable, AlreadyAssigned, AssignmentLimitReached: as for `assign`.
    """
    due_at = due_at and in_milliseconds(due_at)
    try:
        check_due_date(due_at, at=at)
        project, creator = get_project(project_id), get_creator(created_by_id, by=by)
    except Invalid as error:
        values = {"due_at": due_at, "project_id": project_id, "created_by_id": created_by_id}
        raise Invalid(fields=new_faults(**values, assigned_user_ids=assigned_user_ids, by=by, at=at)) from error
    started = clock.started(created_at=in_milliseconds(at), status=status, priority=priority)
    ticket = Ticket(
        title=title,
        status=status,
        priority=priority,
        project=project,
        created_by=creator,
        due_at=due_at,
        **columns_of(started),
        **fields,
    )
    ticket.save(force_insert=True)
    add_assignees(ticket, assigned_user_ids, by=by, at=ticket.created_at)
    return ticket
