"""Checks of single fields, shared by creating and changing tickets."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from accounts.models import User
from kit.errors import Faults, Forbidden, Invalid, Refused
from projects.models import Project
from tickets.services.errors import DUE_DATE_PAST, NO_SUCH_PROJECT, NO_SUCH_USER


def in_milliseconds(moment: datetime) -> datetime:
    """Truncate a time to the precision of responses, so that a client that sends it back changes nothing."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def check_due_date(due_at: datetime | None, *, at: datetime) -> None:
    """Check that the due date, if there is one, is in the future.

    :raises Invalid: it is not.
    """
    if due_at is not None and due_at <= at:
        raise Invalid(fields={"due_at": [DUE_DATE_PAST]})


def get_project(project_id: int | None) -> Project:
    """Return the project, or the default one for None.

    :raises Invalid: no such project.
    """
    if project_id is None:
        return Project.objects.general()
    project = Project.objects.filter(pk=project_id).first()
    if project is None:
        raise Invalid(fields={"project": [NO_SUCH_PROJECT]})
    return project


def get_creator(created_by_id: int | None, *, by: User) -> User:
    """Return the user a ticket is created for, which is `by` unless they name somebody else.

    :raises Invalid: no such user, or a deactivated one.
    :raises Forbidden: another user, and `by` is not an admin.
    """
    if created_by_id is None or created_by_id == by.pk:
        return by
    creator = User.objects.filter(pk=created_by_id, is_active=True).first()
    if creator is None:
        raise Invalid(fields={"created_by": [NO_SUCH_USER]})
    if not by.is_admin:
        raise Forbidden
    return creator


def faults(
    *,
    by: User,
    at: datetime,
    due_at: datetime | None = None,
    project_id: int | None = None,
    created_by_id: int | None = None,
    **_: Any,
) -> Faults:
    """Return all errors that the functions above find in these values."""
    checks: list[Callable[[], object]] = [
        lambda: check_due_date(due_at, at=at),
        lambda: get_project(project_id),
        lambda: get_creator(created_by_id, by=by),
    ]
    found: Faults = {}
    for check in checks:
        try:
            check()
        except Refused as refusal:
            found |= refusal.fields
    return found
