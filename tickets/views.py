"""Tickets and assignment, over HTTP."""

from typing import Any

from django.utils import timezone
from rest_framework import status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from ticketing.api import read
from ticketing.openapi import describes
from tickets import services
from tickets.models import Ticket
from tickets.serializers import (
    AssignSerializer,
    MessageSerializer,
    NewTicketSerializer,
    NewTrackerTicketSerializer,
    TicketDetailSerializer,
    TicketSerializer,
)


class TicketViewSet(viewsets.GenericViewSet[Ticket]):
    @describes(
        "Create a ticket", request=NewTicketSerializer, answers={201: TicketSerializer}, refusals=[400, 401, 403, 404, 409]
    )
    def create(self, request: Request, shape: Any = NewTicketSerializer) -> Response:
        ticket = services.create(**read(shape, request), by=request.user, at=timezone.now())
        return Response(TicketSerializer(ticket).data, status=status.HTTP_201_CREATED)

    @describes(
        "Create a ticket in a project",
        request=NewTrackerTicketSerializer,
        answers={201: TicketSerializer},
        refusals=[400, 401, 403, 404, 409],
    )
    def create_in_project(self, request: Request) -> Response:
        return self.create(request, NewTrackerTicketSerializer)

    @describes("Read a ticket", answers={200: TicketDetailSerializer}, refusals=[401, 404])
    def retrieve(self, request: Request, ticket_id: int) -> Response:
        visible = Ticket.objects.visible_to(request.user).prefetch_related("assignments__user")
        ticket = visible.filter(pk=ticket_id).first()
        if ticket is None:
            raise services.TicketNotFound
        return Response(TicketDetailSerializer(ticket).data)

    @describes(
        "Assign a user", request=AssignSerializer, answers={200: MessageSerializer}, refusals=[400, 401, 403, 404, 409]
    )
    def assign(self, request: Request, ticket_id: int) -> Response:
        services.assign(ticket_id=ticket_id, **read(AssignSerializer, request), by=request.user)
        return Response({"message": "User assigned successfully"})

    @describes("Remove an assigned user", answers={204: None}, refusals=[401, 403, 404])
    def unassign(self, request: Request, ticket_id: int, user_id: int) -> Response:
        services.unassign(ticket_id=ticket_id, user_id=user_id, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
