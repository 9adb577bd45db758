"""Tickets, assignment and comments, over HTTP."""

from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import caller
from kit.dates import START_AFTER_END
from kit.errors import Forbidden
from kit.idempotency.views import idempotent
from kit.openapi.describe import Refusal, describes, invalid, missing
from kit.web import csv_export, paging
from kit.web.base import ViewSet
from kit.web.bodies import read, read_query
from kit.web.etags import expected_versions, versioned
from kit.web.fields import MomentField
from tickets import examples, exports, queries, services
from tickets.models import Ticket
from tickets.serializers import (
    AssignSerializer,
    CommentPageSerializer,
    CommentQuerySerializer,
    CommentSerializer,
    HistoryPageSerializer,
    HistoryQuerySerializer,
    HoldSerializer,
    MessageSerializer,
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


DETAIL = (TicketDetailSerializer, examples.TICKET_DETAIL)
MEANWHILE = {"status": [services.CHANGED_MEANWHILE], "due_at": [services.CHANGED_MEANWHILE]}
# In the order in which they are checked.
REFUSALS_OF_CHANGING: list[Refusal] = [
    services.TicketNotFound,
    services.NotAllowed,
    services.VersionConflict(fields=MEANWHILE),
    services.PreconditionFailed(fields=MEANWHILE),
    invalid(due_at=services.DUE_DATE_PAST),
    invalid(project=services.NO_SUCH_PROJECT),
    invalid(created_by=services.NO_SUCH_USER),
    Forbidden,
]
CHANGING = (
    "For the ticket's creator, its assignees and staff. Admins alone change `createdBy`, and an assignee does not "
    "move it into or out of a project that only those involved see. Assignees have calls of their own, so "
    "`assignedUsers` is ignored here. Who sends the version that they know, in `If-Match` or as `version`, changes "
    "nothing that they do not know; without, the last writer wins."
)


class TicketViewSet(ViewSet):
    @describes(
        "List the tickets",
        name="listTickets",
        more="Those that you may see and that match all that is asked. A `cursor` belongs to one `ordering`.",
        parameters=[TicketQuerySerializer],
        answers={200: (TicketPageSerializer, examples.TICKET_PAGE)},
        refusals=[
            invalid(startDate=str(MomentField.default_error_messages["invalid"])),
            invalid(start_at=START_AFTER_END),
            paging.BAD_CURSOR,
        ],
    )
    def list(self, request: Request) -> Response:
        query = read_query(TicketQuerySerializer, request)
        ordering, limit = query["ordering"], query.pop("limit")
        found = queries.tickets(viewer=caller(request), **query, limit=limit + 1, at=timezone.now())
        name = request.query_params.get("ordering") or "-createdDate"
        page = paging.page(found, limit=limit, key=lambda ticket: (name, *ordering.place(ticket)))
        return Response(TicketPageSerializer(page).data)

    @describes(
        "Export the tickets",
        name="exportTickets",
        more="As CSV (RFC 4180) all that the list shows under the same filters, a line a ticket. Cells that a "
        "spreadsheet would take for a formula begin with an apostrophe.",
        parameters=[TicketFilterSerializer],
        answers={200: (OpenApiTypes.STR, examples.EXPORT)},
        media_type=csv_export.CSV,
        refusals=[
            invalid(startDate=str(MomentField.default_error_messages["invalid"])),
            invalid(start_at=START_AFTER_END),
        ],
    )
    def export(self, request: Request) -> StreamingHttpResponse:
        query = read_query(TicketFilterSerializer, request)
        content = exports.tickets(viewer=caller(request), **query, at=timezone.now())
        return csv_export.answer("tickets", content)

    @describes(
        "Create a ticket",
        name="createTicket",
        more="Without a project it is a ticket of the project General.",
        request=(NewTicketSerializer, examples.NEW_TICKET),
        answers={201: (TicketSerializer, examples.TICKET)},
        refusals=[missing("title"), *REFUSALS_OF_CREATING],
    )
    @idempotent
    @versioned
    def create(self, request: Request) -> Response:
        return self._create(request, NewTicketSerializer)

    def _create(self, request: Request, shape: Any) -> Response:
        created = services.create(**read(shape, request), by=caller(request), at=timezone.now())
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
    @versioned
    def create_in_project(self, request: Request) -> Response:
        return self._create(request, NewTrackerTicketSerializer)

    @describes("Read a ticket", name="getTicket", answers={200: DETAIL, 304: None}, refusals=[services.TicketNotFound])
    @versioned
    def retrieve(self, request: Request, ticket_id: int) -> Response:
        ticket = Ticket.objects.visible_to(caller(request)).with_assignees().filter(pk=ticket_id).first()
        if ticket is None:
            raise services.TicketNotFound
        return _detail(ticket)

    @describes(
        "Replace a ticket",
        name="replaceTicket",
        more=f"What is absent, but for title, project and status, stays. {CHANGING}",
        request=(ReplacedTicketSerializer, examples.REPLACED_TICKET),
        answers={200: DETAIL},
        refusals=[missing("title", "project", "status"), *REFUSALS_OF_CHANGING],
    )
    @versioned
    def update(self, request: Request, ticket_id: int) -> Response:
        return self._update(request, ticket_id, ReplacedTicketSerializer)

    @describes(
        "Change a ticket",
        name="changeTicket",
        more=CHANGING,
        request=(TicketPatchSerializer, examples.TICKET_PATCH),
        answers={200: DETAIL},
        refusals=REFUSALS_OF_CHANGING,
    )
    @versioned
    def partial_update(self, request: Request, ticket_id: int) -> Response:
        return self._update(request, ticket_id, TicketPatchSerializer)

    def _update(self, request: Request, ticket_id: int, shape: Any) -> Response:
        changes = read(shape, request)
        known = changes.pop("version", None)
        expected = None if known is None else services.Expected([known])
        if "If-Match" in request.headers:
            versions = expected_versions(request)
            expected = None if versions is None else services.Expected(versions, services.PreconditionFailed)
        services.update(ticket_id=ticket_id, by=caller(request), at=timezone.now(), expected=expected, **changes)
        return _detail(Ticket.objects.with_assignees().get(pk=ticket_id))

    @describes(
        "Put a ticket on hold",
        name="holdTicket",
        more="For staff. The clock of the SLA stops: `slaDue` is null, and the ticket is not late however long it "
        "takes. A change of the ticket like any other.",
        request=(HoldSerializer, examples.HOLD),
        answers={200: (TicketDetailSerializer, examples.TICKET_ON_HOLD)},
        refusals=[services.TicketNotFound, services.NotAllowed, services.ClosedForHold, services.AlreadyOnHold],
    )
    @versioned
    def hold(self, request: Request, ticket_id: int) -> Response:
        services.hold(ticket_id=ticket_id, **read(HoldSerializer, request), by=caller(request), at=timezone.now())
        return _detail(Ticket.objects.with_assignees().get(pk=ticket_id))

    @describes(
        "Let a ticket go on",
        name="resumeTicket",
        more="For staff. The clock of the SLA goes on: `slaDue` moves by the time that was left.",
        answers={200: DETAIL},
        refusals=[services.TicketNotFound, services.NotAllowed, services.NotOnHold],
    )
    @versioned
    def resume(self, request: Request, ticket_id: int) -> Response:
        services.resume(ticket_id=ticket_id, by=caller(request), at=timezone.now())
        return _detail(Ticket.objects.with_assignees().get(pk=ticket_id))

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
        services.assign(ticket_id=ticket_id, **read(AssignSerializer, request), by=caller(request))
        return Response({"message": "User assigned successfully"})

    @describes(
        "Remove an assigned user",
        name="unassignUser",
        more="For the ticket's creator, staff, and the user themself; from closed tickets too.",
        answers={204: None},
        refusals=[services.TicketNotFound, services.NotAllowed, services.NotAssigned],
    )
    def unassign(self, request: Request, ticket_id: int, user_id: int) -> Response:
        services.unassign(ticket_id=ticket_id, user_id=user_id, by=caller(request))
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
        if not Ticket.objects.visible_to(caller(request)).filter(pk=ticket_id).exists():
            raise services.TicketNotFound
        (before_id,) = query.get("cursor", [None])
        found = queries.history(ticket_id=ticket_id, before_id=before_id, limit=query["limit"] + 1)
        page = paging.page(found, limit=query["limit"], key=lambda item: (item.id,))
        return Response(HistoryPageSerializer(page).data)


class CommentViewSet(ViewSet):
    @describes(
        "List a ticket's comments",
        name="listComments",
        more="Oldest first. Internal ones are shown to staff alone.",
        parameters=[CommentQuerySerializer],
        answers={200: (CommentPageSerializer, examples.COMMENT_PAGE)},
        refusals=[paging.BAD_CURSOR, services.TicketNotFound],
    )
    def list(self, request: Request, ticket_id: int) -> Response:
        query, viewer = read_query(CommentQuerySerializer, request), caller(request)
        if not Ticket.objects.visible_to(viewer).filter(pk=ticket_id).exists():
            raise services.TicketNotFound
        (after_id,) = query.get("cursor", [0])
        found = queries.comments(ticket_id=ticket_id, viewer=viewer, after_id=after_id, limit=query["limit"] + 1)
        page = paging.page(found, limit=query["limit"], key=lambda comment: (comment.pk,))
        return Response(CommentPageSerializer(page).data)

    @describes(
        "Comment on a ticket",
        name="addComment",
        more="For everybody who may see it, be it closed. Its assignees and its creator are mailed, but not "
        "the author; of an `internal` comment, which only staff write and see, the staff among them. It stays as it "
        "is, and moves no `version`.",
        request=(NewCommentSerializer, examples.NEW_COMMENT),
        answers={201: (CommentSerializer, examples.COMMENT)},
        refusals=[missing("message"), services.TicketNotFound, services.InternalForStaff],
    )
    @idempotent
    def create(self, request: Request, ticket_id: int) -> Response:
        fields = read(NewCommentSerializer, request)
        comment = services.comment(ticket_id=ticket_id, by=caller(request), at=timezone.now(), **fields)
        return Response(CommentSerializer(comment).data, status=status.HTTP_201_CREATED)


def _detail(ticket: Ticket) -> Response:
    return Response(TicketDetailSerializer(ticket, context={"at": timezone.now()}).data)
