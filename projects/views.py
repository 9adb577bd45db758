"""HTTP endpoints for projects: all users can read them, and admins can change them."""

from rest_framework import status
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request

from accounts.permissions import IsAdmin, caller
from kit.activity import lists
from kit.idempotency.views import idempotent
from kit.web import paging
from kit.web.base import ViewSet
from kit.web.bodies import read
from kit.web.etags import expected, read_change, versioned
from kit.web.responses import Response
from projects import docs, queries, services
from projects.serializers import (
    NewProjectSerializer,
    ProjectPatchSerializer,
    ReplacedProjectSerializer,
)


class ProjectViewSet(ViewSet):
    def get_permissions(self) -> list[BasePermission]:
        return [IsAuthenticated()] if self.action in ("list", "retrieve") else [IsAdmin()]

    @docs.list_projects
    def list(self, request: Request) -> Response:
        if "updatedSince" in self.query:
            return self._list_changed(request)
        limit, after = self.query["limit"], self.query.get("cursor", ("", 0))
        found = queries.projects(viewer=caller(request), search=self.query["search"], after=after, limit=limit + 1)
        page = paging.page(
            found,
            limit=limit,
            key=lambda project: (project["name"], project["id"]),
            texts=lambda project: [project["description"]],
        )
        return Response({"items": page.items, "nextCursor": page.nextCursor})

    def _list_changed(self, request: Request) -> Response:
        page = lists.page(
            "project",
            self.query,
            lambda ids: queries.projects_by_id(ids, viewer=caller(request)),
            texts=lambda project: [project["description"]],
        )
        return Response({"items": page.items, "nextCursor": page.nextCursor})

    @docs.create_project
    @idempotent
    @versioned
    def create(self, request: Request) -> Response:
        project = services.create(**read(NewProjectSerializer, request))
        return self._answer(request, project.pk, status.HTTP_201_CREATED)

    @docs.get_project
    @versioned
    def retrieve(self, request: Request, project_id: int) -> Response:
        return self._answer(request, project_id)

    @docs.replace_project
    @versioned
    def update(self, request: Request, project_id: int) -> Response:
        services.update(project_id=project_id, **read_change(ReplacedProjectSerializer, request))
        return self._answer(request, project_id)

    @docs.change_project
    @versioned
    def partial_update(self, request: Request, project_id: int) -> Response:
        services.update(project_id=project_id, **read_change(ProjectPatchSerializer, request))
        return self._answer(request, project_id)

    @docs.delete_project
    @idempotent
    def destroy(self, request: Request, project_id: int) -> Response:
        services.delete(project_id=project_id, expected=expected(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _answer(self, request: Request, project_id: int, status: int = status.HTTP_200_OK) -> Response:
        project = queries.project(viewer=caller(request), project_id=project_id)
        if project is None:
            raise services.ProjectNotFound
        return Response(project, status=status)
