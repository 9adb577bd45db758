"""Projects, over HTTP: everybody reads them, admins change them."""

from rest_framework import status
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import IsAdmin, caller
from kit.errors import Forbidden
from kit.idempotency.views import idempotent
from kit.openapi.describe import describes, missing
from kit.web import paging
from kit.web.base import ViewSet
from kit.web.bodies import read, read_query
from projects import examples, queries, services
from projects.serializers import (
    NewProjectSerializer,
    ProjectPageSerializer,
    ProjectPatchSerializer,
    ProjectQuerySerializer,
    ProjectSerializer,
)

PROJECT = (ProjectSerializer, examples.PROJECT)


class ProjectViewSet(ViewSet):
    def get_permissions(self) -> list[BasePermission]:
        return [IsAuthenticated()] if self.action in ("list", "retrieve") else [IsAdmin()]

    @describes(
        "List the projects",
        name="listProjects",
        more="By name, each with the numbers of its tickets that you may see.",
        parameters=[ProjectQuerySerializer],
        answers={200: (ProjectPageSerializer, examples.PROJECT_PAGE)},
        refusals=[paging.BAD_CURSOR],
    )
    def list(self, request: Request) -> Response:
        query = read_query(ProjectQuerySerializer, request)
        (after,) = query.get("cursor", [None])
        found = queries.projects(viewer=caller(request), search=query["search"], after=after, limit=query["limit"] + 1)
        page = paging.page(found, limit=query["limit"], key=lambda project: (project.name,))
        return Response(ProjectPageSerializer(page).data)

    @describes(
        "Create a project",
        name="createProject",
        more="For admins.",
        request=(NewProjectSerializer, examples.NEW_PROJECT),
        answers={201: PROJECT},
        refusals=[missing("name"), Forbidden, services.ProjectNameTaken],
    )
    @idempotent
    def create(self, request: Request) -> Response:
        project = services.create(**read(NewProjectSerializer, request))
        return self._answer(request, project.pk, status.HTTP_201_CREATED)

    @describes("Read a project", name="getProject", answers={200: PROJECT}, refusals=[services.ProjectNotFound])
    def retrieve(self, request: Request, project_id: int) -> Response:
        return self._answer(request, project_id)

    @describes(
        "Replace a project",
        name="replaceProject",
        more="For admins. What is absent, but for the name, stays.",
        request=(NewProjectSerializer, examples.NEW_PROJECT),
        answers={200: PROJECT},
        refusals=[missing("name"), Forbidden, services.ProjectNotFound, services.ProjectNameTaken],
    )
    def update(self, request: Request, project_id: int) -> Response:
        services.update(project_id=project_id, **read(NewProjectSerializer, request))
        return self._answer(request, project_id)

    @describes(
        "Change a project",
        name="changeProject",
        more="For admins.",
        request=(ProjectPatchSerializer, examples.PROJECT_PATCH),
        answers={200: PROJECT},
        refusals=[Forbidden, services.ProjectNotFound, services.ProjectNameTaken],
    )
    def partial_update(self, request: Request, project_id: int) -> Response:
        services.update(project_id=project_id, **read(ProjectPatchSerializer, request))
        return self._answer(request, project_id)

    @describes(
        "Delete a project",
        name="deleteProject",
        more="For admins, and while it has no tickets.",
        answers={204: None},
        refusals=[Forbidden, services.ProjectNotFound, services.SystemProject, services.ProjectHasTickets],
    )
    def destroy(self, request: Request, project_id: int) -> Response:
        services.delete(project_id=project_id)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _answer(self, request: Request, project_id: int, status: int = status.HTTP_200_OK) -> Response:
        project = queries.project(viewer=caller(request), project_id=project_id)
        if project is None:
            raise services.ProjectNotFound
        return Response(ProjectSerializer(project).data, status=status)
