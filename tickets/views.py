"""Tickets and assignment, over HTTP."""

from typing import Any

from django.utils import timezone
from rest_framework import status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from ticketing import paging
from ticketing.api import read, read_query
from ticketing.errors import Forbidden
from ticketing.idempotency import idempotent
from ticketing.openapi import Refusal, describes, invalid, missing
from tickets import examples, queries, services
from tickets.models import Ticket
from tickets.serializers import (
    AssignSerializer,
    HistoryPageSerializer,
    HistoryQuerySerializer,
    MessageSerializer,
    NewTicketSerializer,
    NewTrackerTicketSerializer,
    TicketDetailSerializer,
    TicketSerializer,
)

REFUSALS_OF_CREATING: list[Refusal] = [
    invalid(due_at=services.DUE_DATE_PAST),
    invalid(project=services.NO_SUCH_PROJECT),
    invalid(created_by=services.NO_SUCH_USER),
    Forbidden,
    services.TicketClosed,
    services.UserNotFound,
    services.AdminNotAssignable,
    services.AlreadyAssigned,
    services.AssignmentLimitReached,
]


class TicketViewSet(viewsets.GenericViewSet[Ticket]):
    @describes(
        "Create a ticket",
        name="createTicket",
        more="Without a project it is a ticket of the project General.",
        request=(NewTicketSerializer, examples.NEW_TICKET),
        answers={201: (TicketSerializer, examples.TICKET)},
        refusals=[missing("title"), *REFUSALS_OF_CREATING],
    )
    @idempotent
    def create(self, request: Request) -> Response:
        return self._create(request, NewTicketSerializer)

    def _create(self, request: Request, shape: Any) -> Response:
        created = services.create(**read(shape, request), by=request.user, at=timezone.now())
        ticket = Ticket.objects.with_assignees().get(pk=created.pk)
        return Response(TicketSerializer(ticket).data, status=status.HTTP_201_CREATED)

    @describes(
        "Create a ticket in a project",
        name="createProjectTicket",
        request=(NewTrackerTicketSerializer, examples.NEW_TRACKER_TICKET),
        answers={201: (TicketSerializer, examples.TRACKER_TICKET)},
        refusals=[missing("title", "project", "status"), *REFUSALS_OF_CREATING],
    )
    @idempotent
    def create_in_project(self, request: Request) -> Response:
        return self._create(request, NewTrackerTicketSerializer)

    @describes(
        "Read a ticket",
        name="getTicket",
        answers={200: (TicketDetailSerializer, examples.TICKET_DETAIL)},
        refusals=[services.TicketNotFound],
    )
    def retrieve(self, request: Request, ticket_id: int) -> Response:
        ticket = Ticket.objects.visible_to(request.user).with_assignees().filter(pk=ticket_id).first()
        if ticket is None:
            raise services.TicketNotFound
        return Response(TicketDetailSerializer(ticket).data)

    @describes(
        "Assign a user",
        name="assignUser",
        more="For the ticket's creator and staff. Of several refusals that apply the first is given: ticket not found, "
        "unauthorized, ticket closed, no such user, an admin, assigned already, limit reached.",
        request=(AssignSerializer, examples.ASSIGN),
        answers={200: (MessageSerializer, examples.ASSIGNED)},
        refusals=[
            missing("userId"),
            services.TicketNotFound,
            services.NotAllowed,
            services.TicketClosed,
            services.UserNotFound,
            services.AdminNotAssignable,
            services.AlreadyAssigned,
            services.AssignmentLimitReached,
        ],
    )
    def assign(self, request: Request, ticket_id: int) -> Response:
        services.assign(ticket_id=ticket_id, **read(AssignSerializer, request), by=request.user)
        return Response({"message": "User assigned successfully"})

    @describes(
        "Remove an assigned user",
        name="unassignUser",
        more="For the ticket's creator, staff, and the user themself; from closed tickets too.",
        answers={204: None},
        refusals=[services.TicketNotFound, services.NotAllowed, services.NotAssigned],
    )
    def unassign(self, request: Request, ticket_id: int, user_id: int) -> Response:
        services.unassign(ticket_id=ticket_id, user_id=user_id, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describes(
        "Read a ticket's history",
        name="getTicketHistory",
        more="Newest first: its creation, every change of its fields, and who was put to work on it or taken off it. "
        '`by` is null where nobody said who they are; the name of somebody deleted since is "Deleted user". `door` is '
        "where it came in: this API, the admin, a command on the server, or the database itself.",
        parameters=[HistoryQuerySerializer],
        answers={200: (HistoryPageSerializer, examples.HISTORY)},
        refusals=[paging.BAD_CURSOR, services.TicketNotFound],
    )
    def history(self, request: Request, ticket_id: int) -> Response:
        query = read_query(HistoryQuerySerializer, request)
        if not Ticket.objects.visible_to(request.user).filter(pk=ticket_id).exists():
            raise services.TicketNotFound
        (before_id,) = query.get("cursor", [None])
        found = queries.history(ticket_id=ticket_id, before_id=before_id, limit=query["limit"] + 1)
        page = paging.page(found, limit=query["limit"], key=lambda item: (item.id,))
        return Response(HistoryPageSerializer(page).data)
