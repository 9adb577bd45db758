"""OpenAPI descriptions of the ticket endpoints, as decorators for the views."""

from drf_spectacular.types import OpenApiTypes

from kit import versions
from kit.dates import START_AFTER_END
from kit.errors import Forbidden
from kit.openapi.describe import Refusal, describes, invalid, missing
from kit.web import csv_export, paging
from kit.web.etags import ExpectedVersionSerializer
from kit.web.fields import MomentField
from tickets import examples, services
from tickets.label_fields import LabelPageSerializer, LabelQuerySerializer
from tickets.selection import TicketListSerializer, TicketSelectionSerializer
from tickets.serializers import (
    MAX_BATCH,
    AssignSerializer,
    BatchResultsSerializer,
    BatchSerializer,
    CommentPageSerializer,
    CommentQuerySerializer,
    CommentSerializer,
    HistoryPageSerializer,
    HistoryQuerySerializer,
    HoldSerializer,
    MergeSerializer,
    MessageSerializer,
    NewCommentSerializer,
    NewTicketSerializer,
    NewTrackerTicketSerializer,
    ReplacedTicketSerializer,
    TicketDetailSerializer,
    TicketFilterSerializer,
    TicketPageSerializer,
    TicketPatchSerializer,
    TicketSerializer,
)

TICKET_DETAIL = (TicketDetailSerializer, examples.TICKET_DETAIL)

# Each list is in the order in which the rules are checked.
BAD_FILTERS: list[Refusal] = [
    invalid(startDate=str(MomentField.default_error_messages["invalid"])),
    invalid(start_at=START_AFTER_END),
]
BAD_FIELDS: list[Refusal] = [
    invalid(due_at=services.DUE_DATE_PAST),
    invalid(project=services.NO_SUCH_PROJECT),
    invalid(created_by=services.NO_SUCH_USER),
    Forbidden,
]
BAD_ASSIGNEES: list[Refusal] = [
    services.TicketClosed,
    services.UserNotFound,
    services.AdminNotAssignable,
    services.AlreadyAssigned,
    services.AssignmentLimitReached,
]
STALE = versions.refusals("ticket", "status", "due_at")
_, OUTDATED = STALE
REFUSED_CHANGES: list[Refusal] = [
    services.TicketNotFound,
    services.NotAllowed,
    *STALE,
    services.MergedStaysClosed,
    *BAD_FIELDS,
]
CHANGES = (
    "Allowed for the ticket's creator, its assignees and staff. Only admins can change `createdBy`, and an assignee "
    "cannot move the ticket into or out of a project that only the people involved can see. `assignedUsers` is ignored "
    "here: use the assignment endpoints. Send `If-Match` or `version` to reject stale edits; otherwise the last write "
    "wins."
)

list_tickets = describes(
    "List tickets",
    name="listTickets",
    more="Returns the tickets that you can see and that match every filter. A `cursor` is valid only with the "
    "`ordering` it was issued for.",
    query=TicketListSerializer,
    answers={200: (TicketPageSerializer, examples.TICKET_PAGE)},
    refusals=[*BAD_FILTERS, paging.BAD_CURSOR],
)
export_tickets = describes(
    "Export tickets",
    name="exportTickets",
    more="Every ticket that the list returns for the same filters, as CSV (RFC 4180), one line per ticket, in UTF-8 "
    f"without a byte order mark. {csv_export.GUARD_NOTE}",
    query=TicketFilterSerializer,
    answers={200: (OpenApiTypes.STR, examples.EXPORT)},
    media_type=csv_export.CSV,
    refusals=[*BAD_FILTERS, csv_export.RUNNING],
)
create_ticket = describes(
    "Create a ticket",
    name="createTicket",
    more="Without `project`, the ticket belongs to the project General.",
    request=(NewTicketSerializer, examples.NEW_TICKET),
    answers={201: (TicketSerializer, examples.TICKET)},
    refusals=[missing("title"), *BAD_FIELDS, *BAD_ASSIGNEES],
)
create_project_ticket = describes(
    "Create a ticket in a project",
    name="createProjectTicket",
    more="Like `POST /ticket`, except that `project` and `status` are required.",
    request=(NewTrackerTicketSerializer, examples.NEW_TRACKER_TICKET),
    answers={201: (TicketSerializer, examples.TRACKER_TICKET)},
    refusals=[missing("title", "project", "status"), *BAD_FIELDS, *BAD_ASSIGNEES],
)
batch_tickets = describes(
    "Create and update tickets in bulk",
    name="batchTickets",
    more=f"Up to {MAX_BATCH} items. Each is a ticket to create, as for `POST /ticket`, or has the `id` of a ticket to "
    "update, as for `PATCH`. Each succeeds or fails on its own: the response is a 200 with a result per item, in the "
    "same order. The items are not executed in order: tickets are created first, all with the same `createdDate`, and "
    "updates follow. Give an item a `key` to make it safe to retry, as with `Idempotency-Key`: within 24 hours, an "
    "item with the same key and the same content returns the first result. The header makes all items without a key of "
    "their own safe to retry, each by its position. `If-Match` is ignored; send `version`.",
    request=(BatchSerializer, examples.BATCH),
    answers={200: (BatchResultsSerializer, examples.BATCH_RESULTS)},
    refusals=[missing("items")],
)
get_ticket = describes(
    "Get a ticket",
    name="getTicket",
    more="With its assignees, and how its SLA deadline was calculated. A ticket that you cannot see is a 404.",
    query=TicketSelectionSerializer,
    answers={200: TICKET_DETAIL, 304: None},
    refusals=[services.TicketNotFound],
)
replace_ticket = describes(
    "Replace a ticket",
    name="replaceTicket",
    more=f"Omitted fields keep their values; title, project and status are required. {CHANGES}",
    request=(ReplacedTicketSerializer, examples.REPLACED_TICKET),
    answers={200: TICKET_DETAIL},
    refusals=[missing("title", "project", "status"), *REFUSED_CHANGES],
)
change_ticket = describes(
    "Update a ticket",
    name="updateTicket",
    more=CHANGES,
    request=(TicketPatchSerializer, examples.TICKET_PATCH),
    answers={200: TICKET_DETAIL},
    refusals=REFUSED_CHANGES,
)
hold_ticket = describes(
    "Put a ticket on hold",
    name="holdTicket",
    more="Staff only. Pauses the SLA clock: `slaDue` is null, and the ticket cannot breach while it is on hold. Counts "
    "as a change of the ticket.",
    request=(HoldSerializer, examples.HOLD),
    answers={200: (TicketDetailSerializer, examples.TICKET_ON_HOLD)},
    refusals=[services.TicketNotFound, services.NotAllowed, *STALE, services.ClosedForHold, services.AlreadyOnHold],
)
resume_ticket = describes(
    "Resume a ticket",
    name="resumeTicket",
    more="Staff only. Restarts the SLA clock with the time that was left; `slaDue` moves accordingly.",
    request=(ExpectedVersionSerializer, {"version": 4}),
    answers={200: TICKET_DETAIL},
    refusals=[services.TicketNotFound, services.NotAllowed, *STALE, services.NotOnHold],
)
merge_ticket = describes(
    "Merge a ticket into another one",
    name="mergeTicket",
    more="Staff only. Comments, watchers and assignees move to the other ticket, assignees up to the limit and unless "
    "it is closed. This ticket is closed, `mergedInto` names the other one, and later comments on it are added there. "
    "Returns the other ticket.",
    request=(MergeSerializer, {"into": 7, "version": 2}),
    answers={200: (TicketDetailSerializer, examples.MERGED_TICKET)},
    refusals=[
        missing("into"),
        services.TicketNotFound,
        services.NotAllowed,
        *STALE,
        services.MergedIntoItself,
        invalid(into=services.NO_SUCH_TICKET),
        services.AlreadyMerged,
        services.TargetMerged,
    ],
)
assign_user = describes(
    "Assign a user",
    name="assignUser",
    more="Allowed for the ticket's creator and staff. If several errors apply, the first of these is returned: ticket "
    "not found, unauthorized, ticket closed, no such user, admin, already assigned, limit reached.",
    request=(AssignSerializer, examples.ASSIGN),
    answers={200: (MessageSerializer, examples.ASSIGNED)},
    refusals=[missing("userId"), services.TicketNotFound, services.NotAllowed, *STALE, *BAD_ASSIGNEES],
)
unassign_user = describes(
    "Unassign a user",
    name="unassignUser",
    more="Allowed for the ticket's creator, staff and the assigned user. Also works on closed tickets.",
    answers={204: None},
    refusals=[services.TicketNotFound, services.NotAllowed, OUTDATED, services.NotAssigned],
)
watch_ticket = describes(
    "Watch a ticket",
    name="watchTicket",
    more="You get the e-mails that the ticket's assignees get, for as long as you can see the ticket. Does nothing if "
    "you watch it already.",
    answers={204: None},
    refusals=[services.TicketNotFound],
)
unwatch_ticket = describes(
    "Stop watching a ticket",
    name="unwatchTicket",
    more="Does nothing if you do not watch it.",
    answers={204: None},
    refusals=[services.TicketNotFound],
)
get_history = describes(
    "Get a ticket's history",
    name="getTicketHistory",
    more="Newest first: the ticket's creation, every change of its fields, and every assignment and removal. `by` is "
    'null if the change was made anonymously; deleted users are named "Deleted user". `door` is where the change came '
    "from: this API, the admin, a command on the server, or the database itself.",
    query=HistoryQuerySerializer,
    answers={200: (HistoryPageSerializer, examples.HISTORY)},
    refusals=[paging.BAD_CURSOR, services.TicketNotFound],
)
list_labels = describes(
    "List labels",
    name="listLabels",
    more="Every label of the tickets that you can see, in order, with the number of these tickets.",
    query=LabelQuerySerializer,
    answers={200: (LabelPageSerializer, examples.LABEL_PAGE)},
    refusals=[paging.BAD_CURSOR],
)
list_comments = describes(
    "List a ticket's comments",
    name="listComments",
    more="Oldest first. Only staff see internal comments.",
    query=CommentQuerySerializer,
    answers={200: (CommentPageSerializer, examples.COMMENT_PAGE)},
    refusals=[paging.BAD_CURSOR, services.TicketNotFound],
)
add_comment = describes(
    "Comment on a ticket",
    name="addComment",
    more="Open to everyone who can see the ticket, even if it is closed. The assignees and the creator are "
    "e-mailed, except the author of the comment; for an `internal` comment, only those who are staff. Only staff can "
    "write and see internal comments. A comment cannot be edited and does not change the ticket's `version`.",
    request=(NewCommentSerializer, examples.NEW_COMMENT),
    answers={201: (CommentSerializer, examples.COMMENT)},
    refusals=[missing("message"), services.TicketNotFound, services.InternalForStaff],
)
