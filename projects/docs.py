"""OpenAPI descriptions of the project endpoints, as decorators for the views."""

from typing import Any

from kit import versions
from kit.errors import Forbidden
from kit.openapi.describe import describes, missing
from kit.web import paging
from projects import services
from projects.serializers import (
    NewProjectSerializer,
    ProjectPageSerializer,
    ProjectPatchSerializer,
    ProjectQuerySerializer,
    ProjectSerializer,
    ReplacedProjectSerializer,
)

NEW_PROJECT: dict[str, Any] = {"name": "Website", "description": "What customers see.", "visibility": "everyone"}
PROJECT: dict[str, Any] = {"id": 3, **NEW_PROJECT, "tickets": {"open": 2, "inProgress": 1, "closed": 0}, "version": 2}
ANSWER = (ProjectSerializer, PROJECT)
STALE = versions.refusals("project", "visibility")
_, OUTDATED = STALE

list_projects = describes(
    "List projects",
    name="listProjects",
    more="Ordered by name. Ticket counts include only tickets you are allowed to see.",
    query=ProjectQuerySerializer,
    answers={200: (ProjectPageSerializer, {"items": [PROJECT], "nextCursor": None})},
    refusals=[paging.BAD_CURSOR],
)

create_project = describes(
    "Create a project",
    name="createProject",
    more="Admins only.",
    request=(NewProjectSerializer, NEW_PROJECT),
    answers={201: ANSWER},
    refusals=[missing("name"), Forbidden, services.ProjectNameTaken],
)

get_project = describes(
    "Get a project",
    name="getProject",
    more="Ticket counts include only tickets you are allowed to see.",
    answers={200: ANSWER, 304: None},
    refusals=[services.ProjectNotFound],
)

replace_project = describes(
    "Replace a project",
    name="replaceProject",
    more="Admins only. `name` is required; other fields keep their values if omitted.",
    request=(ReplacedProjectSerializer, NEW_PROJECT),
    answers={200: ANSWER},
    refusals=[missing("name"), Forbidden, services.ProjectNotFound, *STALE, services.ProjectNameTaken],
)

change_project = describes(
    "Update a project",
    name="updateProject",
    more="Admins only. Omitted fields keep their values.",
    request=(ProjectPatchSerializer, {"visibility": "involved", "version": 2}),
    answers={200: ANSWER},
    refusals=[Forbidden, services.ProjectNotFound, *STALE, services.ProjectNameTaken],
)

delete_project = describes(
    "Delete a project",
    name="deleteProject",
    more="Admins only. A project that has tickets cannot be deleted.",
    answers={204: None},
    refusals=[
        Forbidden,
        services.ProjectNotFound,
        OUTDATED,
        services.SystemProject,
        services.ProjectHasTickets,
    ],
)
