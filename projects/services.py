"""Use cases that change projects. Callers check permissions: `IsAdmin` in the API, roles in the admin."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from kit.db.sql import violated
from kit.errors import Conflict, Missing
from kit.versions import Expected
from projects.models import Project


class ProjectNotFound(Missing):
    message = "Project not found"


class ProjectNameTaken(Conflict):
    message = "A project with this name already exists"


class ProjectHasTickets(Conflict):
    message = "Cannot delete a project that has tickets"


class SystemProject(Conflict):
    message = "This project is built in and cannot be deleted"


def create(*, name: str, **fields: Any) -> Project:
    """Create a project.

    :raises ProjectNameTaken: another project has this name, regardless of case.
    """
    return _save(Project(name=name, **fields))


@transaction.atomic
def update(*, project_id: int, expected: Expected | None = None, **changes: Any) -> Project:
    """Change fields of a project.

    :raises ProjectNotFound: there is no such project.
    :raises VersionConflict, PreconditionFailed: the project has another version than `expected`.
    :raises ProjectNameTaken: another project has this name, regardless of case.
    """
    project = _lock(project_id, expected=expected)
    for name, value in changes.items():
        setattr(project, name, value)
    return _save(project)


@transaction.atomic
def delete(*, project_id: int, expected: Expected | None = None) -> None:
    """Delete an empty project.

    :raises ProjectNotFound, VersionConflict, PreconditionFailed: as for `update`.
    :raises SystemProject: it is built in.
    :raises ProjectHasTickets: it has tickets.
    """
    project = _lock(project_id, expected=expected)
    if project.system_name:
        raise SystemProject
    try:
        project.delete()
    except ProtectedError as error:
        raise ProjectHasTickets from error


def _lock(project_id: int, *, expected: Expected | None) -> Project:
    # Not FOR NO KEY UPDATE: a ticket being added to the project must wait until we know whether it still exists.
    project = Project.objects.select_for_update().filter(pk=project_id).first()
    if project is None:
        raise ProjectNotFound
    project.check_version(expected)
    return project


def _save(project: Project) -> Project:
    try:
        with transaction.atomic():
            project.save()
    except IntegrityError as error:
        if violated(error) == "project_name_unique":
            raise ProjectNameTaken(fields={"name": [ProjectNameTaken.message]}) from error
        raise
    return project
