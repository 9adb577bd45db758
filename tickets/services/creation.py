"""Creating tickets, one or many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, transaction

from accounts.models import User
from kit.db import sql
from kit.errors import Faults, Invalid, Refused
from sla.clock import Terms
from sla.models import Priority
from tickets.models import Status, Ticket
from tickets.models.clock import columns_of
from tickets.models.label import normalized
from tickets.services import clock
from tickets.services.assignments import check_assignees
from tickets.services.errors import TicketClosed
from tickets.services.fields import Known, check_due_date, faults, get_creator_id, get_project, in_milliseconds

# The columns of a ticket by name.
Columns = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class NewTicket:
    """What the caller says of a new ticket. Without a project it goes to "General".

    `for_customer`: `by` may be an agent and name a customer as the creator, as in the admin. In the API, only admins
    name others.
    """

    title: str
    description: str = ""
    status: str = Status.OPEN
    type: str = "task"
    venue: str = ""
    price: Decimal | None = None
    priority: str = Priority.MEDIUM
    project_id: int | None = None
    due_at: datetime | None = None
    created_by_id: int | None = None
    for_customer: bool = False
    labels: Sequence[str] = ()
    assigned_user_ids: Sequence[int] = ()


def create(*, by: User, at: datetime, **values: Any) -> Ticket:
    """Create a ticket with its assignees, or nothing at all. Nobody is notified.

    `values` are those of NewTicket.

    :raises Invalid: the due date is in the past; no such project or creator.
    :raises Forbidden: `created_by_id` is another user and `by` is not an admin, nor an agent with `for_customer`.
    :raises TicketClosed, UserNotFound, AdminNotAssignable, AlreadyAssigned, AssignmentLimitReached: as for `assign`.
    """
    (created,) = _create([values], by=by, at=at)
    if isinstance(created, Refused):
        raise created
    names = [field.attname for field in Ticket._meta.concrete_fields if field.attname in created]
    # The ticket reads its other columns when they are needed.
    return Ticket.from_db(DEFAULT_DB_ALIAS, names, [created[name] for name in names])


def create_many(*, items: Sequence[dict[str, Any]], by: User, at: datetime) -> list[int | Refused]:
    """Create tickets with their assignees. Return the id of each, or the error that `create` would raise for it.

    A refused item does not affect the others. The number of statements does not depend on the number of items.
    """
    created = _create(items, by=by, at=at)
    return [outcome if isinstance(outcome, Refused) else outcome["id"] for outcome in created]


@transaction.atomic
def _create(items: Sequence[dict[str, Any]], *, by: User, at: datetime) -> list[Columns | Refused]:
    """Create tickets. Return the columns of each, or the error that refuses it."""
    known = Known.of(items, by=by, is_new=True)
    terms = clock.all_terms({item.get("priority", Priority.MEDIUM) for item in items})
    outcomes: list[Columns | Refused] = []
    added: list[tuple[Columns, Sequence[int]]] = []
    for item in items:
        new = NewTicket(**item)
        try:
            columns = _columns(new, known, terms, by=by, at=at)
        except Refused as refusal:
            outcomes.append(refusal)
        else:
            outcomes.append(columns)
            added.append((columns, new.assigned_user_ids))
    _insert([columns for columns, _ in added])
    _assign(added, by=by)
    return outcomes


def new_faults(*, by: User, at: datetime, **values: Any) -> Faults:
    """Return the errors in these values that `create` would raise."""
    (found,) = new_faults_of_many(items=[values], by=by, at=at)
    return found


def new_faults_of_many(*, items: Sequence[dict[str, Any]], by: User, at: datetime) -> list[Faults]:
    """Return the errors in the values of each item that `create` would raise, with as many statements as for one."""
    known = Known.of(items, by=by)
    return [_faults(known, by=by, at=at, **item) for item in items]


def _faults(known: Known, *, by: User, at: datetime, assigned_user_ids: Sequence[int] = (), **values: Any) -> Faults:
    found = faults(known, by=by, at=at, **values)
    try:
        check_assignees(assigned_user_ids, known)
    except Refused as refusal:
        found["assigned_users"] = [f"{refusal.message}."]
    return found


def _columns(new: NewTicket, known: Known, terms: dict[str, Terms], *, by: User, at: datetime) -> Columns:
    """Check a new ticket and return its columns.

    :raises: as `create`.
    """
    due_at = new.due_at and in_milliseconds(new.due_at)
    try:
        check_due_date(due_at, at=at)
        project_id = get_project(new.project_id, known).id
        creator_id = get_creator_id(new.created_by_id, known, by=by, for_customer=new.for_customer)
    except Invalid as error:
        values = vars(new) | {"due_at": due_at}
        raise Invalid(fields=_faults(known, by=by, at=at, **values)) from error
    if new.assigned_user_ids and new.status == Status.CLOSED:
        raise TicketClosed
    check_assignees(new.assigned_user_ids, known)
    started = clock.started(created_at=in_milliseconds(at), status=new.status, terms=terms[new.priority])
    return {
        "title": new.title,
        "description": new.description,
        "status": new.status,
        "type": new.type,
        "venue": new.venue,
        "price": new.price,
        "priority": new.priority,
        "project_id": project_id,
        "due_at": due_at,
        "created_by_id": creator_id,
        "labels": normalized(new.labels),
        **columns_of(started),
    }


def _insert(rows: list[Columns]) -> None:
    """Insert tickets, and add their ids to the columns."""
    if rows:
        found = sql.rows("tickets/create", tickets=orjson.dumps(rows, default=_text).decode())
        for row, inserted in zip(rows, found, strict=True):
            row["id"] = inserted["id"]


def _text(value: Any) -> str:
    """Write what JSON has no type for as PostgreSQL reads it."""
    return f"{value.total_seconds():f} s" if isinstance(value, timedelta) else str(value)


def _assign(added: list[tuple[Columns, Sequence[int]]], *, by: User) -> None:
    """Assign users to new tickets."""
    assigned = [
        (columns["id"], user_id, slot) for columns, user_ids in added for slot, user_id in enumerate(user_ids, start=1)
    ]
    if assigned:
        ticket_ids, user_ids, slots = map(list, zip(*assigned, strict=True))
        sql.run(
            "tickets/assign_new",
            ticket_ids=ticket_ids,
            user_ids=user_ids,
            slots=slots,
            assigned_by_id=by.pk,
            # All were created at the same time.
            at=added[0][0]["created_at"],
        )
