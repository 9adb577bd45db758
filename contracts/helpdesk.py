"""Document 004, "HelpDesk Mini": tickets, comments, SLA, idempotency and optimistic locking under /api.

The document defines the wire format, docs/api.md records our choices where it is ambiguous, and the domain's services
enforce the rules. New tickets go to the project "HelpDesk". Staff see every ticket; to anyone else, a ticket they did
not create and are not assigned to does not exist.
"""

from dataclasses import replace
from itertools import accumulate
from typing import Any

import orjson
from django.http import Http404
from django.urls import path, re_path
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, ParseError, Throttled, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from accounts import services as accounts
from accounts.models import User, UserType
from accounts.permissions import caller
from accounts.serializers import SignInSerializer
from accounts.tokens import OptionalToken
from contracts.helpdesk_shapes import (
    ROLES,
    CommentsQuerySerializer,
    NewTicketSerializer,
    RegisteredSerializer,
    RegisterSerializer,
    TicketChangesSerializer,
    TicketQuerySerializer,
    shape_of_comment,
    shape_of_ticket,
)
from kit.db.sql import MAX_ID
from kit.errors import Forbidden, Invalid, Missing, TooMany, Unauthenticated
from kit.idempotency.keys import StillRunning
from kit.idempotency.views import DuplicateRequest, idempotent, unrepeatable
from kit.versions import Expected, VersionConflict
from kit.web import etags, paging, views
from kit.web.bodies import read
from kit.web.problems import Problem
from kit.web.query_strings import read_query
from kit.web.responses import Response
from kit.web.throttling import GuestRateLimit, SignInRateLimit
from kit.web.views import Answer, Dialect
from projects.models import Project
from tickets import queries, services
from tickets.models import Ordering
from tickets.queries import Row
from tickets.serializers import NewCommentSerializer

# The password in the document's sample has six characters.
SHORTEST_PASSWORD = 6
# A ticket is returned with its newest comments, up to this many, and up to this size in JSON.
MOST_COMMENTS = 1_000
MOST_BYTES = 500_000


# --- Dialect ------------------------------------------------------------------------------------------------------


INVALID_FIELD = Answer(code="INVALID_FIELD")
INVALID_ASSIGNEE = Answer(code="INVALID_FIELD", field="assignee")
UNAUTHORIZED = Answer(code="UNAUTHORIZED")
NOT_FOUND = Answer(code="NOT_FOUND")
RATE_LIMIT = Answer(code="RATE_LIMIT")
DUPLICATE_REQUEST = Answer(code="DUPLICATE_REQUEST", message="")
# DRF's error codes for a field that is missing or empty.
ABSENT = {"required", "null", "blank"}


class HelpDesk(Dialect):
    """Base view of every path under /api: the product's tokens and rate limits, the document's errors."""

    answers = {
        Invalid: INVALID_FIELD,
        ValidationError: INVALID_FIELD,
        ParseError: Answer(code="INVALID_JSON"),
        Unauthenticated: UNAUTHORIZED,
        NotAuthenticated: UNAUTHORIZED,
        AuthenticationFailed: Answer(code="INVALID_TOKEN"),
        accounts.InvalidCredentials: Answer(code="INVALID_CREDENTIALS"),
        Forbidden: Answer(code="FORBIDDEN"),
        Missing: NOT_FOUND,
        Http404: NOT_FOUND,
        TooMany: RATE_LIMIT,
        Throttled: RATE_LIMIT,
        DuplicateRequest: DUPLICATE_REQUEST,
        StillRunning: DUPLICATE_REQUEST,
        # This one error is a bare sentence, without a code.
        VersionConflict: Answer(code="", message="Conflict - Ticket already updated (409)"),
        accounts.EmailTaken: Answer(code="INVALID_FIELD", field="email"),
        services.TicketClosed: INVALID_ASSIGNEE,
        services.AdminNotAssignable: INVALID_ASSIGNEE,
        services.UserNotFound: Answer(400, code="INVALID_FIELD", field="assignee"),
    }

    def body(self, problem: Problem) -> dict[str, Any]:
        if not problem.code:
            return {"error": problem.message}
        # Exceptions that are not listed above use the product's codes in capitals.
        error = {"code": "FIELD_REQUIRED" if ABSENT.intersection(problem.kinds[:1]) else problem.code.upper()}
        if problem.errors:
            error["field"], error["message"] = problem.errors[0]
        elif problem.message:
            error["message"] = problem.message
        return {"error": error}


# --- Endpoints ----------------------------------------------------------------------------------------------------


class Register(HelpDesk):
    authentication_classes = [OptionalToken]
    permission_classes = [AllowAny]
    throttle_classes = [GuestRateLimit]

    @idempotent
    def post(self, request: Request) -> Response:
        person = read(RegisterSerializer, request)
        by = request.user if request.user.is_authenticated else None
        user_type = ROLES[person.pop("role")]
        # The document's rule applies to customers. Staff follow the product's own.
        shortest = SHORTEST_PASSWORD if user_type == UserType.CUSTOMER else None
        user = accounts.sign_up(**person, type=user_type, by=by, min_password_length=shortest)
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
        shown = paging.fitting(found[:limit], lambda row: [row["description"]])
        next_offset = offset + len(shown) if len(found) > len(shown) else None
        return Response({"items": [shape_of_ticket(row) for row in shown], "next_offset": next_offset})

    @unrepeatable
    def post(self, request: Request) -> Response:
        new = read(NewTicketSerializer, request)
        project = Project.objects.helpdesk()
        created = services.create(**new, project_id=project.pk, by=caller(request), at=timezone.now())
        (row,) = queries.tickets_by_id([created.pk])
        return Response(shape_of_ticket(row), 201)


class OneTicket(HelpDesk):
    def get(self, request: Request, ticket_id: int) -> Response:
        query = read_query(CommentsQuerySerializer, request)
        return Response(with_comments(concerning(ticket_id, caller(request)), caller(request), **query))

    def patch(self, request: Request, ticket_id: int) -> Response:
        changes = read(TicketChangesSerializer, request)
        concerning(ticket_id, caller(request))
        expected = etags.expected(request, changes.pop("version", None))
        if expected:
            # A conflict either way: the document has no 412.
            expected = Expected(expected.versions, VersionConflict)
        change = services.hand_over if "assignee_id" in changes else services.update
        change(ticket_id=ticket_id, by=caller(request), at=timezone.now(), expected=expected, **changes)
        # It may no longer concern the caller, who has handed it over.
        (row,) = queries.tickets_by_id([ticket_id])
        ticket = with_comments(row, caller(request))
        # The document's own front end reads the whole body as the ticket.
        return Response({"message": "Ticket updated successfully", "ticket": ticket, **ticket})


class Comments(HelpDesk):
    @idempotent
    def post(self, request: Request, ticket_id: int) -> Response:
        new = read(NewCommentSerializer, request)
        concerning(ticket_id, caller(request))
        services.comment(ticket_id=ticket_id, by=caller(request), at=timezone.now(), **new)
        return self.answer(request, ticket_id)

    def retrieve(self, request: Request, ticket_id: int) -> Response:
        """Read the ticket's comments again for a retry."""
        concerning(ticket_id, caller(request))
        return self.answer(request, ticket_id)

    def answer(self, request: Request, ticket_id: int) -> Response:
        ticket = {"_id": str(ticket_id), **comments_of(ticket_id, caller(request))}
        return Response({"message": "Comment added successfully", "ticket": ticket}, 201)

    def id_in(self, body: Any) -> int:
        return int(body["ticket"]["_id"])


def concerning(ticket_id: int, viewer: User) -> Row:
    """Return a ticket that concerns the viewer. The product's own API shows others too, of projects open to everyone.

    :raises TicketNotFound: the viewer is neither staff nor creator nor assignee.
    """
    row = queries.concerning(ticket_id=ticket_id, viewer=viewer)
    if row is None:
        raise services.TicketNotFound
    return row


def with_comments(row: Row, viewer: User, **query: Any) -> dict[str, Any]:
    """Return the document's ticket with its newest comments."""
    return {**shape_of_ticket(row), **comments_of(row["id"], viewer, **query)}


def comments_of(ticket_id: int, viewer: User, before_id: int = MAX_ID) -> dict[str, Any]:
    """Return the newest comments that the viewer may see, oldest first, and the `before` that continues the list."""
    found = queries.last_comments(
        ticket_id=ticket_id, viewer=viewer, before_id=before_id, limit=MOST_COMMENTS + 1, most_bytes=MOST_BYTES
    )
    shapes = [shape_of_comment(row) for row in found]
    sizes = accumulate(len(orjson.dumps(shape)) + 1 for shape in reversed(shapes))
    fitting = min(MOST_COMMENTS, sum(size <= MOST_BYTES for size in sizes))
    shown = shapes[len(shapes) - fitting :]
    return {"comments": shown, "next_before": shown[0]["_id"] if len(shown) < len(shapes) else None}


class Health(HelpDesk, views.Health):
    """Health check, the same as /healthz."""


class Unknown(views.Unknown, HelpDesk):
    """Answer 404 for every other path under /api."""


urlpatterns = [
    path("api/auth/register", Register.as_view()),
    path("api/auth/login", Login.as_view()),
    path("api/tickets", Tickets.as_view()),
    path("api/tickets/<int:ticket_id>", OneTicket.as_view()),
    path("api/tickets/<int:ticket_id>/comments", Comments.as_view()),
    path("api/health", Health.as_view()),
    # /api/v1 belongs to document 003.
    re_path(r"^api(?!/v1(?:/|$))(?:/|$)", Unknown.as_view()),
]
