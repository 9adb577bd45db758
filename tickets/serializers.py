"""The JSON of tickets, comments and history (document 000, sections 3 to 5)."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from kit.activity.lists import SinceSerializer
from kit.dates import Span
from kit.db.sql import MAX_ID
from kit.doors import Door
from kit.openapi.schema import ProblemSerializer
from kit.web.bodies import NullIsDefault
from kit.web.etags import ExpectedVersionSerializer
from kit.web.fields import (
    IdField,
    IdFilterField,
    IdListField,
    ItemsField,
    MomentField,
    MoneyField,
    SingleLineField,
    StrictBooleanField,
    TextField,
    UtcDateTimeField,
)
from kit.web.paging import INVALID_CURSOR, CursorField, PageSerializer, line, moment, orders, row_id
from sla.models import Priority, SlaState
from tickets.choice_fields import QueueField, StatusField
from tickets.label_fields import LabelFilterField, LabelsField
from tickets.models import MAX_MESSAGE, Assignment, Comment, Ordering, Status, Ticket
from tickets.queries import ALL, ASSIGNEE, CHANGES, COMMENTS, FIELDS, SLA_STATES, Change, Item, Person, TicketFilter
from tickets.shapes import HISTORY_FIELDS

# Items of one request to `POST /tickets/batch`.
MAX_BATCH = 100


class NewTicketSerializer(NullIsDefault):
    """`POST /ticket` (document 000): only the title is required."""

    title = SingleLineField(max_length=255)
    description = TextField(max_length=20_000, required=False, allow_blank=True, allow_null=True)
    project = IdField(source="project_id", required=False, allow_null=True)
    status = StatusField(required=False)
    type = SingleLineField(max_length=50, required=False)
    venue = SingleLineField(max_length=255, required=False, allow_blank=True, allow_null=True)
    price = MoneyField(required=False, allow_null=True)
    priority = serializers.ChoiceField(choices=Priority.values, required=False)
    dueDate = UtcDateTimeField(source="due_at", required=False, allow_null=True)
    createdBy = IdField(source="created_by_id", required=False, allow_null=True)
    assignedUsers = IdListField(source="assigned_user_ids", max_length=100, required=False)
    labels = LabelsField(required=False)


@extend_schema_serializer(component_name="NewProjectTicket")
class NewTrackerTicketSerializer(NewTicketSerializer):
    """`POST /tickets` (document 001): project and status are required as well."""

    project = IdField(source="project_id")
    status = StatusField()


class TicketPatchSerializer(ExpectedVersionSerializer):
    """`PATCH`: every field that can be changed. Assignees have their own endpoints."""

    title = SingleLineField(max_length=255, required=False)
    description = TextField(max_length=20_000, required=False, allow_blank=True, allow_null=True)
    project = IdField(source="project_id", required=False)
    status = StatusField(required=False)
    type = SingleLineField(max_length=50, required=False)
    venue = SingleLineField(max_length=255, required=False, allow_blank=True, allow_null=True)
    price = MoneyField(required=False, allow_null=True)
    priority = serializers.ChoiceField(choices=Priority.values, required=False)
    dueDate = UtcDateTimeField(source="due_at", required=False, allow_null=True)
    createdBy = IdField(source="created_by_id", required=False)
    labels = LabelsField(required=False)


class BatchedPatchSerializer(TicketPatchSerializer):
    """An item of a batch that changes a ticket."""

    id = IdField(source="ticket_id")


@extend_schema_serializer(component_name="BatchItem")
class BatchItemSerializer(NewTicketSerializer):
    """An item of a batch, for the schema: NewTicketSerializer or, with an `id`, BatchedPatchSerializer."""

    id = IdField(required=False, allow_null=True, help_text="The ticket to change. Without it, a ticket is created.")
    key = serializers.RegexField(
        r"^[!-~]{1,255}$", required=False, allow_null=True, help_text="An Idempotency-Key for this item alone."
    )
    version = IdField(
        min_value=1,
        max_value=MAX_ID,
        required=False,
        allow_null=True,
        help_text="Version being changed; the item is a 409 if a newer one exists.",
    )
    title = SingleLineField(max_length=255, required=False, help_text="Required without `id`.")


class BatchSerializer(serializers.Serializer[Any]):
    items = ItemsField(BatchItemSerializer, max_length=MAX_BATCH)


class ReplacedTicketSerializer(TicketPatchSerializer):
    """`PUT`: the fields that document 001 requires; other omitted fields keep their values."""

    title = SingleLineField(max_length=255)
    project = IdField(source="project_id")
    status = StatusField()


class AssignSerializer(ExpectedVersionSerializer):
    userId = IdField(source="user_id")


class MergeSerializer(ExpectedVersionSerializer):
    into = IdField(source="into_id", help_text="The ticket that this one is merged into.")


class MessageSerializer(serializers.Serializer[Any]):
    message = serializers.CharField()


class AssigneeSerializer(serializers.Serializer[Assignment]):
    userId = serializers.IntegerField(source="user_id")
    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")


class TicketSerializer(serializers.Serializer[Ticket]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    description = serializers.CharField()
    type = serializers.CharField()
    venue = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.values)
    price = MoneyField(allow_null=True)
    priority = serializers.ChoiceField(choices=Priority.values)
    dueDate = UtcDateTimeField(source="due_at", allow_null=True)
    createdBy = serializers.IntegerField(source="created_by_id")
    assignedUsers = AssigneeSerializer(source="assignments.all", many=True)
    project = serializers.IntegerField(source="project_id")
    createdDate = UtcDateTimeField(source="created_at")
    updatedDate = UtcDateTimeField(source="updated_at", allow_null=True)
    activityDate = UtcDateTimeField(
        help_text="When the latest change, comments included, was noted. `updatedSince` goes by it."
    )
    slaDue = UtcDateTimeField(
        source="sla_due_at",
        allow_null=True,
        help_text="Null while the ticket is on hold, because the deadline depends on when it is resumed.",
    )
    labels = serializers.ListField(child=serializers.CharField(), help_text="In lower case, sorted.")
    version = serializers.IntegerField()


@extend_schema_serializer(component_name="BatchResult")
class BatchResultSerializer(serializers.Serializer[Any]):
    """The result of one item."""

    status = serializers.IntegerField(
        min_value=200, max_value=599, help_text="The status that a request of its own would have had."
    )
    ticket = TicketSerializer(required=False, help_text="The new or changed ticket.")
    problem = ProblemSerializer(required=False, help_text="Why the item was refused; it has changed nothing.")


class BatchResultsSerializer(serializers.Serializer[Any]):
    items = BatchResultSerializer(many=True, help_text="In the order of the request.")


class TicketStatisticsSerializer(serializers.Serializer[Ticket]):
    totalAssigned = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Status.values)


class SlaSerializer(serializers.Serializer[Ticket]):
    """How the ticket's deadline was calculated, and whether it is met."""

    policy = serializers.ChoiceField(source="priority", choices=Priority.values)
    hours = serializers.IntegerField(source="sla_hours")
    calendar = serializers.CharField(allow_null=True)
    onHold = serializers.BooleanField()
    onHoldSince = UtcDateTimeField(source="held_at", allow_null=True)
    holdReason = serializers.CharField(source="hold_reason")
    heldSeconds = serializers.IntegerField(source="held_seconds")
    closedDate = UtcDateTimeField(source="closed_at", allow_null=True)
    state = serializers.ChoiceField(choices=SlaState.values)
    because = serializers.CharField(help_text='An explanation, such as "4 h business time, on hold 2 h 10 m".')


class HoldSerializer(ExpectedVersionSerializer):
    reason = SingleLineField(max_length=255, required=False, allow_blank=True, allow_null=True)


class TicketDetailSerializer(TicketSerializer):
    mergedInto = serializers.IntegerField(
        source="merged_into_id", allow_null=True, help_text="The ticket that this one was merged into."
    )
    mergedFrom = serializers.ListField(
        source="merged_from", child=serializers.IntegerField(), help_text="The tickets that were merged into this one."
    )
    watching = serializers.BooleanField(help_text="Whether you watch the ticket.")
    statistics = TicketStatisticsSerializer(source="*")
    sla = SlaSerializer(source="*")


ORDERING_OF_NAME = orders(
    {
        "createdDate": "created_at",
        "updatedDate": "updated_at",
        "dueDate": "due_at",
        "priority": "priority",
        "title": "title",
    },
    Ordering,
)
NAME_OF_ORDERING = {ordering: name for name, ordering in ORDERING_OF_NAME.items()}
ORDERINGS = list(ORDERING_OF_NAME)


class TicketFilterSerializer(serializers.Serializer[Any]):
    """Filters and order of the list, from the query string. Empty parameters are ignored."""

    search = TextField(
        max_length=255,
        required=False,
        allow_blank=True,
        help_text="Finds tickets whose title or description contains every word, in any order. A word matches by "
        "prefix.",
    )
    status = StatusField(required=False)
    priority = serializers.ChoiceField(choices=Priority.values, required=False)
    type = SingleLineField(required=False)
    venue = SingleLineField(required=False)
    project = IdFilterField(source="project_id", required=False)
    assignee = IdFilterField(source="assignee_id", required=False, help_text="User ID of one of the assignees.")
    createdBy = IdFilterField(source="created_by_id", required=False)
    label = LabelFilterField(  # type: ignore[assignment]
        source="labels", required=False, help_text="Can be repeated; tickets must have all of these labels."
    )
    sla = serializers.ChoiceField(
        choices=SLA_STATES,
        required=False,
        help_text="`breached`: `slaDue` has passed and the ticket is neither closed nor on hold. `at-risk`: not "
        "breached yet, but over 80% of the time is used. `met`, `missed`: closed in time, or late.",
    )
    queue = QueueField(
        required=False,
        help_text="A tab of the admin's list: `mine` (assigned to you), `unassigned`, `at-risk`, `breached`, "
        "`on-hold`, `active` (all that are not closed; also `all-open`), `closed` or `all`. Only the last two include "
        "closed tickets.",
    )
    startDate = MomentField(
        required=False, help_text="Created at or after this time. A date means the whole day in UTC."
    )
    endDate = MomentField(
        required=False, help_text="Created at or before this time. A date means the whole day in UTC."
    )
    ordering = serializers.ChoiceField(
        choices=ORDERINGS,
        default="-createdDate",
        help_text="Prefix with `-` for descending order. Tickets without a date come last either way.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return `filter` and `ordering` as `queries.tickets` takes them."""
        ordering = ORDERING_OF_NAME[attrs.pop("ordering")]
        span = Span.between(attrs.pop("startDate", None), attrs.pop("endDate", None))
        sla = attrs.pop("sla", None) or None
        search = attrs.pop("search", "") or None
        queue = attrs.pop("queue", None) or None
        chosen = TicketFilter(span=span, sla=sla, search=search, queue=queue, **attrs)
        return {"ordering": ordering, "filter": chosen}


class TicketQuerySerializer(PageSerializer, TicketFilterSerializer, SinceSerializer):
    """The query string of the paginated list."""

    cursor = CursorField([str, lambda key: key, row_id], help_text="`nextCursor` of the previous page.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return `filter`, `ordering`, `limit` and, except for the first page, `after`."""
        limit, cursor, name = attrs.pop("limit"), attrs.pop("cursor", None), attrs["ordering"]
        query = super().validate(attrs) | {"limit": limit}
        if cursor is not None:
            query["after"] = self._place(cursor, name, query["ordering"])
        return query

    def _place(self, cursor: tuple[Any, ...], name: str, ordering: Ordering) -> tuple[Any, int]:
        cursor_ordering, key, ticket_id = cursor
        try:
            if cursor_ordering != name:
                raise ValueError(cursor_ordering)
            return SORT_KEY_READERS[ordering.field](key), ticket_id
        except (ValueError, TypeError, OverflowError) as error:
            raise serializers.ValidationError({"cursor": INVALID_CURSOR}) from error


SORT_KEY_READERS: dict[str, Callable[[Any], Any]] = {
    "created_at": moment,
    "updated_at": lambda key: None if key is None else moment(key),
    "due_at": lambda key: None if key is None else moment(key),
    "priority": lambda key: Priority(key).value,
    "title": line,
}


class TicketPageSerializer(serializers.Serializer[Any]):
    items = TicketSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class HistoryQuerySerializer(PageSerializer):
    cursor = CursorField([row_id])


class ConversationQuerySerializer(serializers.Serializer[Any]):
    """The query string of a ticket's page in the admin."""

    cursor = CursorField([row_id, row_id])
    show = serializers.ChoiceField(choices=[ALL, COMMENTS, CHANGES], required=False)


DOORS = Door.values


class PersonSerializer(serializers.Serializer[Person]):
    id = serializers.IntegerField()
    name = serializers.CharField()


@extend_schema_serializer(component_name="HistoryChange")
class ChangeSerializer(serializers.Serializer[Change]):
    """A change of one field, with the same names and values as in the ticket's own JSON."""

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` is a keyword, so it cannot be a class attribute."""
        value: dict[str, Any] = {
            "allow_null": True,
            "help_text": "As in the ticket; for `assignedUsers`, the one user as `{userId, name}`.",
        }
        return {
            "field": serializers.ChoiceField(choices=[HISTORY_FIELDS[field][0] for field in (*FIELDS, ASSIGNEE)]),
            "from": serializers.JSONField(**value),
            "to": serializers.JSONField(**value),
        }


@extend_schema_serializer(component_name="HistoryItem")
class ItemSerializer(serializers.Serializer[Item]):
    id = serializers.IntegerField()
    at = UtcDateTimeField()
    by = PersonSerializer(allow_null=True)
    door = serializers.ChoiceField(choices=DOORS)
    changes = ChangeSerializer(many=True)


class HistoryPageSerializer(serializers.Serializer[Any]):
    items = ItemSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)


class NewCommentSerializer(NullIsDefault):
    message = TextField(max_length=MAX_MESSAGE)
    internal = StrictBooleanField(
        source="is_internal", required=False, help_text="Visible to staff only; nobody else is notified."
    )


class CommentSerializer(serializers.Serializer[Comment]):
    id = serializers.IntegerField()
    message = serializers.CharField()
    internal = serializers.BooleanField(source="is_internal")
    author = PersonSerializer()
    createdDate = UtcDateTimeField(source="created_at")


class CommentQuerySerializer(PageSerializer):
    cursor = CursorField([row_id])


class CommentPageSerializer(serializers.Serializer[Any]):
    items = CommentSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)
