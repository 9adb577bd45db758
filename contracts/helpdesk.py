"""Document 004, "HelpDesk Mini": tickets, comments, SLA, idempotency and optimistic locking under /api.

Names, envelopes and statuses; the rules are the domain's. New tickets go to the project "HelpDesk". Staff see all
tickets, everybody else those that they have to do with: what others have is not there.
"""

from dataclasses import replace
from typing import Any

import orjson
from django.http import HttpResponse
from django.urls import path, re_path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services as accounts
from accounts.models import User, UserType
from accounts.permissions import caller
from accounts.serializers import NewPasswordField, SignInSerializer
from kit.db.sql import MAX_ID
from kit.idempotency.views import idempotent, unrepeatable
from kit.web import etags, views
from kit.web.bodies import read, read_query
from kit.web.fields import IdField, MillisecondsField, SingleLineField, TextField
from kit.web.paging import PageSerializer
from kit.web.problems import Problem
from kit.web.throttling import SignInRateLimit
from kit.web.views import Dialect
from projects.models import Project
from sla.models import Priority
from tickets import queries, services
from tickets.models import Ordering, Status, Ticket
from tickets.serializers import NewCommentSerializer

ROLES = {"user": UserType.CUSTOMER, "agent": UserType.AGENT, "admin": UserType.ADMIN}
# As they are read; of those that mean the same the first is written.
STATUSES = {"open": Status.OPEN, "in_progress": Status.IN_PROGRESS, "closed": Status.CLOSED, "resolved": Status.CLOSED}
BREACHED = "breached"
# The document's sample has six.
SHORTEST_PASSWORD = 6
# Who pages on from there is no person; what is passed over is read all the same.
MAX_OFFSET = 1_000_000
# A ticket comes with all its comments, unless somebody writes without end.
MOST_COMMENTS = 1_000

VERSION_CONFLICT = {"error": "Conflict - Ticket already updated (409)"}
DUPLICATE_REQUEST = {"error": {"code": "DUPLICATE_REQUEST"}}
# The document's codes, by ours; what is in neither is called what we call it.
CODES = {
    "invalid": "INVALID_FIELD",
    "unauthenticated": "UNAUTHORIZED",
    "parse_error": "INVALID_JSON",
    "too_many": "RATE_LIMIT",
    "locked_out": "RATE_LIMIT",
}
CODE_OF_STATUS = {403: "FORBIDDEN", 404: "NOT_FOUND"}
# Refusals of what one key of the body says: which key, and the status.
FAULTS = {
    "email_taken": ("email", 409),
    "ticket_closed": ("assignee", 409),
    "user_not_found": ("assignee", 400),
    "admin_not_assignable": ("assignee", 400),
}
ABSENT = {"required", "null", "blank"}


# --- Shapes -------------------------------------------------------------------------------------------------------


class RegisterSerializer(serializers.Serializer[User]):
    name = SingleLineField(min_length=3, max_length=150)
    email = serializers.EmailField(max_length=254)
    password = NewPasswordField()
    role = serializers.ChoiceField(choices=list(ROLES), default="user")


class PersonSerializer(serializers.Serializer[User]):
    _id = serializers.CharField(source="pk")
    name = serializers.CharField()


class RegisteredSerializer(PersonSerializer):
    email = serializers.EmailField()


class NewTicketSerializer(serializers.Serializer[Ticket]):
    title = SingleLineField(max_length=255)
    description = TextField(max_length=20_000, required=False, allow_blank=True)
    priority = serializers.ChoiceField(choices=Priority.values, required=False)


class StatusField(serializers.ChoiceField):
    def __init__(self, *more: str, **kwargs: Any) -> None:
        super().__init__(choices=[*STATUSES, *more], **kwargs)

    def to_internal_value(self, data: Any) -> str:
        chosen: str = super().to_internal_value(data)
        return STATUSES.get(chosen, chosen)

    def to_representation(self, value: Any) -> str:
        return next(name for name, status in STATUSES.items() if status == value)


class TicketChangesSerializer(serializers.Serializer[Ticket]):
    status = StatusField(required=False)
    priority = serializers.ChoiceField(choices=Priority.values, required=False)
    assignee = IdField(source="assignee_id", required=False, allow_null=True)
    version = IdField(min_value=1, max_value=MAX_ID, required=False)


class TicketQuerySerializer(PageSerializer):
    offset = serializers.IntegerField(min_value=0, max_value=MAX_OFFSET, default=0)
    status = StatusField(BREACHED, required=False)
    q = TextField(max_length=255, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Put it in the domain's words."""
        status, text = attrs.get("status"), attrs.get("q")
        chosen = queries.TicketFilter(
            status=None if status == BREACHED else status,
            sla=BREACHED if status == BREACHED else None,
            search=queries.words(text) if text else None,
        )
        return {"filter": chosen, "limit": attrs["limit"], "offset": attrs["offset"]}


class TicketSerializer(serializers.Serializer[Any]):
    _id = serializers.CharField(source="pk")
    title = serializers.CharField()
    description = serializers.CharField()
    priority = serializers.CharField()
    status = StatusField()
    sla_due = serializers.SerializerMethodField()
    assignee = serializers.SerializerMethodField()
    created_by = serializers.CharField(source="created_by_id")
    created_at = MillisecondsField()
    updated_at = MillisecondsField()
    version = serializers.IntegerField()

    def get_sla_due(self, ticket: Ticket) -> str | None:
        """Null while the ticket is on hold, which the document does not know of."""
        return None if ticket.held_at else MillisecondsField().to_representation(ticket.sla_due_at)

    def get_assignee(self, ticket: Ticket) -> str | None:
        """Of several, whom other contracts may put to work on it, the first."""
        return next((str(assignment.user_id) for assignment in ticket.assignments.all()), None)


class CommentSerializer(serializers.Serializer[Any]):
    _id = serializers.CharField(source="pk")
    message = serializers.CharField()
    author = PersonSerializer()
    internal = serializers.BooleanField(source="is_internal")
    created_at = MillisecondsField()


def comments_of(ticket_id: int, viewer: User) -> Any:
    comments = queries.last_comments(ticket_id=ticket_id, viewer=viewer, limit=MOST_COMMENTS)
    return CommentSerializer(comments, many=True).data


# --- Dialect ------------------------------------------------------------------------------------------------------


class HelpDesk(Dialect):
    """Everything under /api: the product's tokens and limits, the document's errors."""

    @staticmethod
    def lay_out(problem: Problem) -> HttpResponse:
        status, body = error_of(problem)
        return HttpResponse(orjson.dumps(body), "application/json", status, headers=problem.headers)


def error_of(problem: Problem) -> tuple[int, dict[str, Any]]:
    if problem.code == services.VersionConflict.code:
        return problem.status, VERSION_CONFLICT
    if problem.code in ("duplicate_request", "still_running"):
        return problem.status, DUPLICATE_REQUEST
    if problem.code in FAULTS:
        field, status = FAULTS[problem.code]
        return status, {"error": {"code": "INVALID_FIELD", "field": field, "message": problem.message}}
    code = CODES.get(problem.code) or CODE_OF_STATUS.get(problem.status) or problem.code.upper()
    if not problem.errors:
        return problem.status, {"error": {"code": code, "message": problem.message}}
    (field, message), *_ = problem.errors
    if ABSENT.intersection(problem.kinds[:1]):
        code = "FIELD_REQUIRED"
    return problem.status, {"error": {"code": code, "field": field, "message": message}}


# --- Endpoints ----------------------------------------------------------------------------------------------------


class Register(HelpDesk):
    permission_classes = [AllowAny]
    throttle_classes = [SignInRateLimit]

    @idempotent
    def post(self, request: Request) -> Response:
        person = read(RegisterSerializer, request)
        by = request.user if request.user.is_authenticated else None
        user_type = ROLES[person.pop("role")]
        # The document's rule is for its users; staff have the product's.
        shortest = SHORTEST_PASSWORD if user_type == UserType.CUSTOMER else None
        user = accounts.sign_up(**person, type=user_type, by=by, shortest_password=shortest)
        return Response({"message": "User registered successfully", "user": RegisteredSerializer(user).data}, 201)


class Login(HelpDesk):
    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [SignInRateLimit]

    def post(self, request: Request) -> Response:
        pair = accounts.sign_in(**read(SignInSerializer, request), request=request._request)
        return Response({"token": pair.access})


class Tickets(HelpDesk):
    def get(self, request: Request) -> Response:
        query, viewer = read_query(TicketQuerySerializer, request), caller(request)
        limit, offset = query["limit"], query["offset"]
        chosen = query["filter"] if viewer.is_staff else replace(query["filter"], created_by_id=viewer.pk)
        found = queries.tickets(
            viewer=viewer, filter=chosen, ordering=Ordering(), offset=offset, limit=limit + 1, at=timezone.now()
        )
        next_offset = offset + limit if len(found) > limit else None
        return Response({"items": TicketSerializer(found[:limit], many=True).data, "next_offset": next_offset})

    @unrepeatable
    def post(self, request: Request) -> Response:
        new = read(NewTicketSerializer, request)
        project = Project.objects.helpdesk()
        created = services.create(**new, project_id=project.pk, by=caller(request), at=timezone.now())
        return Response(TicketSerializer(created).data, 201)


class OneTicket(HelpDesk):
    def get(self, request: Request, ticket_id: int) -> Response:
        ticket = Ticket.objects.concerning(caller(request)).with_assignees().filter(pk=ticket_id).first()
        if ticket is None:
            raise services.TicketNotFound
        comments = comments_of(ticket_id, caller(request))
        return Response({**TicketSerializer(ticket).data, "comments": comments})

    def patch(self, request: Request, ticket_id: int) -> Response:
        changes = read(TicketChangesSerializer, request)
        check_concerns(ticket_id, caller(request))
        stated = etags.expected(request, changes.pop("version", None))
        expected = services.Expected(stated.versions) if stated else None
        change = services.hand_over if "assignee_id" in changes else services.update
        change(ticket_id=ticket_id, by=caller(request), at=timezone.now(), expected=expected, **changes)
        ticket = Ticket.objects.with_assignees().get(pk=ticket_id)
        return Response({"message": "Ticket updated successfully", "ticket": TicketSerializer(ticket).data})


class Comments(HelpDesk):
    @idempotent
    def post(self, request: Request, ticket_id: int) -> Response:
        new = read(NewCommentSerializer, request)
        check_concerns(ticket_id, caller(request))
        services.comment(ticket_id=ticket_id, by=caller(request), at=timezone.now(), **new)
        ticket = {"_id": str(ticket_id), "comments": comments_of(ticket_id, caller(request))}
        return Response({"message": "Comment added successfully", "ticket": ticket}, 201)


def check_concerns(ticket_id: int, viewer: User) -> None:
    """Here a ticket of others is not there, also where everybody may see it in the product's own API."""
    if not Ticket.objects.concerning(viewer).filter(pk=ticket_id).exists():
        raise services.TicketNotFound


class Health(HelpDesk, views.Health):
    """As /healthz."""


class Unknown(views.Unknown, HelpDesk):
    """Every other path under /api."""


urlpatterns = [
    path("api/auth/register", Register.as_view()),
    path("api/auth/login", Login.as_view()),
    path("api/tickets", Tickets.as_view()),
    path("api/tickets/<int:ticket_id>", OneTicket.as_view()),
    path("api/tickets/<int:ticket_id>/comments", Comments.as_view()),
    path("api/health", Health.as_view()),
    # /api/v1 is document 003's.
    re_path(r"^api(?!/v1(?:/|$))(?:/|$)", Unknown.as_view()),
]
