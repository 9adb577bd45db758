"""Tickets, their assignees and their comments over HTTP."""

from functools import partial
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import caller
from kit.idempotency.views import idempotent
from kit.web import csv_export, etags, paging
from kit.web.base import ViewSet
from kit.web.bodies import read, read_query
from kit.web.etags import versioned
from tickets import docs, exports, queries, services
from tickets.models import Ticket
from tickets.serializers import (
    AssignSerializer,
    CommentPageSerializer,
    CommentQuerySerializer,
    CommentSerializer,
    HistoryPageSerializer,
    HistoryQuerySerializer,
    HoldSerializer,
    NewCommentSerializer,
    NewTicketSerializer,
    NewTrackerTicketSerializer,
    ReplacedTicketSerializer,
    TicketDetailSerializer,
    TicketFilterSerializer,
    TicketPageSerializer,
    TicketPatchSerializer,
    TicketQuerySerializer,
    TicketSerializer,
)


class TicketViewSet(ViewSet):
    @docs.list_tickets
    def list(self, request: Request) -> Response:
        query = read_query(TicketQuerySerializer, request)
        ordering, limit = query["ordering"], query.pop("limit")
        found = queries.tickets(viewer=caller(request), **query, limit=limit + 1, at=timezone.now())
        name = request.query_params.get("ordering") or "-createdDate"
        page = paging.page(found, limit=limit, key=lambda ticket: (name, *ordering.place(ticket)))
        return Response(TicketPageSerializer(page).data)

    @docs.export_tickets
    def export(self, request: Request) -> StreamingHttpResponse:
        query = read_query(TicketFilterSerializer, request)
        content = exports.tickets(viewer=caller(request), **query, at=timezone.now())
        return csv_export.answer("tickets", content, user_id=caller(request).pk)

    @docs.create_ticket
    @idempotent
    @versioned
    def create(self, request: Request) -> Response:
        return _create(request, NewTicketSerializer)

    @docs.create_project_ticket
    @idempotent
    @versioned
    def create_in_project(self, request: Request) -> Response:
        return _create(request, NewTrackerTicketSerializer)

    @docs.get_ticket
    @versioned
    def retrieve(self, request: Request, ticket_id: int) -> Response:
        ticket = Ticket.objects.visible_to(caller(request)).with_assignees().filter(pk=ticket_id).first()
        if ticket is None:
            raise services.TicketNotFound
        return _detail(ticket)

    @docs.replace_ticket
    @versioned
    def update(self, request: Request, ticket_id: int) -> Response:
        return _update(request, ticket_id, ReplacedTicketSerializer)

    @docs.change_ticket
    @versioned
    def partial_update(self, request: Request, ticket_id: int) -> Response:
        return _update(request, ticket_id, TicketPatchSerializer)

    @docs.hold_ticket
    @versioned
    def hold(self, request: Request, ticket_id: int) -> Response:
        services.hold(ticket_id=ticket_id, **read(HoldSerializer, request), by=caller(request), at=timezone.now())
        return _current_detail(ticket_id)

    @docs.resume_ticket
    @versioned
    def resume(self, request: Request, ticket_id: int) -> Response:
        services.resume(ticket_id=ticket_id, by=caller(request), at=timezone.now())
        return _current_detail(ticket_id)

    @docs.assign_user
    def assign(self, request: Request, ticket_id: int) -> Response:
        services.assign(ticket_id=ticket_id, **read(AssignSerializer, request), by=caller(request))
        return Response({"message": "User assigned successfully"})

    @docs.unassign_user
    def unassign(self, request: Request, ticket_id: int, user_id: int) -> Response:
        services.unassign(ticket_id=ticket_id, user_id=user_id, by=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.get_history
    def history(self, request: Request, ticket_id: int) -> Response:
        query = read_query(HistoryQuerySerializer, request)
        _check_visible(ticket_id, caller(request))
        (before_id,) = query.get("cursor", [None])
        found = queries.history(ticket_id=ticket_id, before_id=before_id, limit=query["limit"] + 1)
        page = paging.page(found, limit=query["limit"], key=lambda item: (item.id,))
        return Response(HistoryPageSerializer(page).data)


class CommentViewSet(ViewSet):
    @docs.list_comments
    def list(self, request: Request, ticket_id: int) -> Response:
        query, viewer = read_query(CommentQuerySerializer, request), caller(request)
        _check_visible(ticket_id, viewer)
        (after_id,) = query.get("cursor", [0])
        found = queries.comments(ticket_id=ticket_id, viewer=viewer, after_id=after_id, limit=query["limit"] + 1)
        page = paging.page(found, limit=query["limit"], key=lambda comment: (comment.pk,))
        return Response(CommentPageSerializer(page).data)

    @docs.add_comment
    @idempotent
    def create(self, request: Request, ticket_id: int) -> Response:
        fields = read(NewCommentSerializer, request)
        comment = services.comment(ticket_id=ticket_id, by=caller(request), at=timezone.now(), **fields)
        return Response(CommentSerializer(comment).data, status=status.HTTP_201_CREATED)


def _create(request: Request, shape: Any) -> Response:
    now: dict[str, Any] = {"by": caller(request), "at": timezone.now()}
    created = services.create(**read(shape, request, faults=partial(services.new_faults, **now)), **now)
    ticket = Ticket.objects.with_assignees().get(pk=created.pk)
    return Response(TicketSerializer(ticket).data, status=status.HTTP_201_CREATED)


def _update(request: Request, ticket_id: int, shape: Any) -> Response:
    change: dict[str, Any] = {"ticket_id": ticket_id, "by": caller(request), "at": timezone.now()}
    changes = read(shape, request, faults=partial(services.change_faults, **change))
    expected = _expected(request, changes.pop("version", None))
    services.update(**change, expected=expected, **changes)
    return _current_detail(ticket_id)


def _expected(request: Request, body_version: int | None) -> services.Expected | None:
    expected = etags.expected(request, body_version)
    if expected is None:
        return None
    refusal = services.PreconditionFailed if expected.is_precondition else services.VersionConflict
    return services.Expected(expected.versions, refusal)


def _check_visible(ticket_id: int, viewer: User) -> None:
    if not Ticket.objects.visible_to(viewer).filter(pk=ticket_id).exists():
        raise services.TicketNotFound


def _current_detail(ticket_id: int) -> Response:
    return _detail(Ticket.objects.with_assignees().get(pk=ticket_id))


def _detail(ticket: Ticket) -> Response:
    return Response(TicketDetailSerializer(ticket, context={"at": timezone.now()}).data)
