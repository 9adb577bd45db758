"""What changes projects. Who may is the caller's to ask: `permissions.IsAdmin` at the API, roles in the admin."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from kit.db.sql import violated
from kit.errors import Conflict, Missing
from projects.models import Project


class ProjectNotFound(Missing):
    message = "Project not found"


class ProjectNameTaken(Conflict):
    message = "A project of this name exists"


class ProjectHasTickets(Conflict):
    message = "Cannot delete a project that has tickets"


class SystemProject(Conflict):
    message = "This project comes with the system and cannot be deleted"


def create(*, name: str, **fields: Any) -> Project:
    """:raises ProjectNameTaken: in whatever case."""
    return _save(Project(name=name, **fields))


@transaction.atomic
def update(*, project_id: int, **changes: Any) -> Project:
    """:raises ProjectNotFound, ProjectNameTaken:"""
    project = _lock(project_id)
    for name, value in changes.items():
        setattr(project, name, value)
    return _save(project)


@transaction.atomic
def delete(*, project_id: int) -> None:
    """:raises ProjectNotFound, SystemProject, ProjectHasTickets:"""
    project = _lock(project_id)
    if project.system_name:
        raise SystemProject
    try:
        project.delete()
    except ProtectedError as error:
        raise ProjectHasTickets from error


def _lock(project_id: int) -> Project:
    # Not "no key": a ticket on its way into the project waits until we know whether there still is one.
    project = Project.objects.select_for_update().filter(pk=project_id).first()
    if project is None:
        raise ProjectNotFound
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
