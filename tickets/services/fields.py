"""Checks of single fields, shared by creating and changing tickets."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from accounts.models import User
from kit.db import sql
from kit.errors import Faults, Forbidden, Invalid, Refused
from projects.models import Visibility
from tickets.services.errors import DUE_DATE_PAST, NO_SUCH_PROJECT, NO_SUCH_USER, NOT_A_CUSTOMER


@dataclass(frozen=True)
class Place:
    """What matters of a project to its tickets."""

    id: int
    visibility: Visibility
    is_default: bool = False


@dataclass(frozen=True)
class Person:
    """What matters of a user to the tickets that they create or are assigned to."""

    id: int
    is_active: bool
    is_admin: bool
    is_customer: bool


@dataclass(frozen=True)
class Known:
    """The projects and users that some tickets refer to, by id. The default project is under None.

    They are locked, so what is checked against them stays true until the transaction ends.
    """

    projects: Mapping[int | None, Place]
    people: Mapping[int, Person]

    @classmethod
    def of(cls, tickets: Iterable[Mapping[str, Any]], *, by: User, is_new: bool = False) -> Self:
        """Look up what these values of tickets refer to, with at most one statement for projects and one for users.

        New tickets without a project belong to the default project.
        """
        project_ids: set[int | None] = set()
        user_ids: set[int | None] = set()
        for ticket in tickets:
            if is_new or "project_id" in ticket:
                project_ids.add(ticket.get("project_id"))
            user_ids |= {ticket.get("created_by_id"), *ticket.get("assigned_user_ids", ())}
        user_ids -= {None}
        # Triggers lock the creator as well, so they have to be locked with the others.
        return cls(_projects(project_ids), _people(user_ids | {by.pk}) if user_ids else {})


def _projects(ids: set[int | None]) -> dict[int | None, Place]:
    if not ids:
        return {}
    rows = sql.prepared("tickets/lock_projects", ids=_storable(ids - {None}), is_default=None in ids)
    places: dict[int | None, Place] = {row["id"]: Place(**row) for row in rows}
    default = next((place for place in places.values() if place.is_default), None)
    return places | {None: default} if default else places


def _people(ids: set[int | None]) -> dict[int, Person]:
    return {row["id"]: Person(**row) for row in sql.prepared("tickets/lock_people", ids=_storable(ids))}


def _storable(ids: Iterable[int | None]) -> list[int]:
    """Return the ids that a column can hold. PostgreSQL fails on larger ones instead of finding nothing."""
    return [each for each in ids if each is not None and abs(each) <= sql.MAX_ID]


def in_milliseconds(moment: datetime) -> datetime:
    """Truncate a time to the precision of responses, so that a client that sends it back changes nothing."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def check_due_date(due_at: datetime | None, *, at: datetime) -> None:
    """Check that the due date, if there is one, is in the future.

    :raises Invalid: it is not.
    """
    if due_at is not None and due_at <= at:
        raise Invalid(fields={"due_at": [DUE_DATE_PAST]})


def get_project(project_id: int | None, known: Known) -> Place:
    """Return the project, or the default one for None.

    :raises Invalid: no such project.
    """
    if project_id not in known.projects:
        raise Invalid(fields={"project": [NO_SUCH_PROJECT]})
    return known.projects[project_id]


def get_creator_id(created_by_id: int | None, known: Known, *, by: User, for_customer: bool = False) -> int:
    """Return the user a ticket is created for, which is `by` unless they name somebody else.

    `for_customer` as in `NewTicket`.

    :raises Invalid: no such user, or a deactivated one; with `for_customer`, another agent or an admin.
    :raises Forbidden: another user, and `by` is not an admin.
    """
    if created_by_id is None or created_by_id == by.pk:
        return by.pk
    creator = known.people.get(created_by_id)
    if creator is None or not creator.is_active:
        raise Invalid(fields={"created_by": [NO_SUCH_USER]})
    if by.is_admin:
        return creator.id
    if not (for_customer and by.is_staff):
        raise Forbidden
    if not creator.is_customer:
        raise Invalid(fields={"created_by": [NOT_A_CUSTOMER]})
    return creator.id


def faults(
    known: Known,
    *,
    by: User,
    at: datetime,
    due_at: datetime | None = None,
    project_id: int | None = None,
    created_by_id: int | None = None,
    for_customer: bool = False,
    **_: Any,
) -> Faults:
    """Return all errors that the functions above find in these values."""
    checks: list[Callable[[], object]] = [
        lambda: check_due_date(due_at, at=at),
        lambda: project_id is None or get_project(project_id, known),
        lambda: get_creator_id(created_by_id, known, by=by, for_customer=for_customer),
    ]
    found: Faults = {}
    for check in checks:
        try:
            check()
        except Refused as refusal:
            found |= refusal.fields
    return found
