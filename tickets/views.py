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
from kit.web import csv_export, paging
from kit.web.base import ViewSet
from kit.web.bodies import read
from kit.web.etags import ExpectedVersionSerializer, expected, read_change, versioned
from tickets import docs, exports, queries, services
from tickets.models import Comment, Ticket
from tickets.serializers import (
    AssignSerializer,
    CommentPageSerializer,
    CommentSerializer,
    HistoryPageSerializer,
    HoldSerializer,
    NewCommentSerializer,
    NewTicketSerializer,
    NewTrackerTicketSerializer,
    ReplacedTicketSerializer,
    TicketDetailSerializer,
    TicketPageSerializer,
    TicketPatchSerializer,
    TicketSerializer,
)


class TicketViewSet(ViewSet):
    @docs.list_tickets
    def list(self, request: Request) -> Response:
        ordering, limit = self.query["ordering"], self.query.pop("limit")
        found = queries.tickets(viewer=caller(request), **self.query, limit=limit + 1, at=timezone.now())
        name = request.query_params.get("ordering") or "-createdDate"
        page = paging.page(
            found,
            limit=limit,
            key=lambda ticket: (name, *ordering.place(ticket)),
            size=lambda ticket: len(ticket.description),
        )
        return Response(TicketPageSerializer(page).data)

    @docs.export_tickets
    def export(self, request: Request) -> StreamingHttpResponse:
        content = exports.tickets(viewer=caller(request), **self.query, at=timezone.now())
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
    @idempotent
    @versioned
    def hold(self, request: Request, ticket_id: int) -> Response:
        change = read_change(HoldSerializer, request)
        services.hold(ticket_id=ticket_id, **change, by=caller(request), at=timezone.now())
        return _current_detail(ticket_id)

    @docs.resume_ticket
    @idempotent
    @versioned
    def resume(self, request: Request, ticket_id: int) -> Response:
        change = read_change(ExpectedVersionSerializer, request)
        services.resume(ticket_id=ticket_id, **change, by=caller(request), at=timezone.now())
        return _current_detail(ticket_id)

    @docs.assign_user
    @idempotent
    def assign(self, request: Request, ticket_id: int) -> Response:
        services.assign(ticket_id=ticket_id, **read_change(AssignSerializer, request), by=caller(request))
        return Response({"message": "User assigned successfully"})

    @docs.unassign_user
    @idempotent
    def unassign(self, request: Request, ticket_id: int, user_id: int) -> Response:
        services.unassign(ticket_id=ticket_id, user_id=user_id, by=caller(request), expected=expected(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.get_history
    def history(self, request: Request, ticket_id: int) -> Response:
        _check_visible(ticket_id, caller(request))
        limit, (before_id,) = self.query["limit"], self.query.get("cursor", [None])
        found = queries.history(ticket_id=ticket_id, before_id=before_id, limit=limit + 1)
        page = paging.page(found, limit=limit, key=lambda item: (item.id,), size=queries.Item.size)
        return Response(HistoryPageSerializer(page).data)


class CommentViewSet(ViewSet):
    @docs.list_comments
    def list(self, request: Request, ticket_id: int) -> Response:
        _check_visible(ticket_id, caller(request))
        limit, (after_id,) = self.query["limit"], self.query.get("cursor", [0])
        found = queries.comments(ticket_id=ticket_id, viewer=caller(request), after_id=after_id, limit=limit + 1)
        page = paging.page(
            found, limit=limit, key=lambda comment: (comment.pk,), size=lambda comment: len(comment.message)
        )
        return Response(CommentPageSerializer(page).data)

    @docs.add_comment
    @idempotent
    def create(self, request: Request, ticket_id: int) -> Response:
        fields = read(NewCommentSerializer, request)
        comment = services.comment(ticket_id=ticket_id, by=caller(request), at=timezone.now(), **fields)
        return Response(CommentSerializer(comment).data, status=status.HTTP_201_CREATED)

    def retrieve(self, request: Request, comment_id: int) -> Response:
        """Read a new comment again for a retry. It has no address of its own."""
        comment = Comment.objects.visible_to(caller(request)).select_related("author").filter(pk=comment_id).first()
        if comment is None:
            raise services.TicketNotFound
        return Response(CommentSerializer(comment).data)


def _create(request: Request, shape: Any) -> Response:
    now: dict[str, Any] = {"by": caller(request), "at": timezone.now()}
    created = services.create(**read(shape, request, faults=partial(services.new_faults, **now)), **now)
    ticket = Ticket.objects.with_assignees().get(pk=created.pk)
    return Response(TicketSerializer(ticket).data, status=status.HTTP_201_CREATED)


def _update(request: Request, ticket_id: int, shape: Any) -> Response:
    change: dict[str, Any] = {"ticket_id": ticket_id, "by": caller(request), "at": timezone.now()}
    services.update(**change, **read_change(shape, request, faults=partial(services.change_faults, **change)))
    return _current_detail(ticket_id)


def _check_visible(ticket_id: int, viewer: User) -> None:
    if not Ticket.objects.visible_to(viewer).filter(pk=ticket_id).exists():
        raise services.TicketNotFound


def _current_detail(ticket_id: int) -> Response:
    return _detail(Ticket.objects.with_assignees().get(pk=ticket_id))


def _detail(ticket: Ticket) -> Response:
    return Response(TicketDetailSerializer(ticket, context={"at": timezone.now()}).data)
