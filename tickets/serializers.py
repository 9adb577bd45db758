"""The wire shapes of tickets (CONTRACTS: tickets; document 000, sections 3 to 5)."""

from typing import Any

from rest_framework import serializers

from ticketing.fields import IdField, MoneyField, SingleLineField, TextField, UtcDateTimeField
from ticketing.paging import CursorField, PageSerializer, row_id
from tickets.models import Assignment, Priority, Status, Ticket
from tickets.queries import ASSIGNEE, FIELDS, Change, Item, Person


class StatusField(serializers.ChoiceField):
    """`in progress` and `in_progress` are read too."""

    aliases = ("in progress", "in_progress")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Status.choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if data in self.aliases:
            return Status.IN_PROGRESS
        return super().to_internal_value(data)


class NewTicketSerializer(serializers.Serializer[Ticket]):
    """`POST /ticket`, document 000: only the title is required."""

    title = SingleLineField(max_length=255)
    description = TextField(max_length=20_000, required=False, allow_blank=True)
    project = IdField(source="project_id", required=False, allow_null=True)
    status = StatusField(required=False)
    type = SingleLineField(max_length=50, required=False)
    venue = SingleLineField(max_length=255, required=False, allow_blank=True)
    price = MoneyField(required=False, allow_null=True)
    priority = serializers.ChoiceField(choices=Priority.values, required=False)
    dueDate = UtcDateTimeField(source="due_at", required=False, allow_null=True)
    createdBy = IdField(source="created_by_id", required=False, allow_null=True)
    assignedUsers = serializers.ListField(source="assigned_user_ids", child=IdField(), max_length=100, required=False)


class NewTrackerTicketSerializer(NewTicketSerializer):
    """`POST /tickets`, document 001: project and status are required too."""

    project = IdField(source="project_id")
    status = StatusField()


class AssignSerializer(serializers.Serializer[Any]):
    userId = IdField(source="user_id")


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
    slaDue = UtcDateTimeField(source="sla_due_at")
    version = serializers.IntegerField()


class TicketStatisticsSerializer(serializers.Serializer[Ticket]):
    totalAssigned = serializers.SerializerMethodField()
    status = serializers.ChoiceField(choices=Status.values)

    def get_totalAssigned(self, ticket: Ticket) -> int:  # noqa: N802
        return len(ticket.assignments.all())


class TicketDetailSerializer(TicketSerializer):
    statistics = TicketStatisticsSerializer(source="*")


class HistoryQuerySerializer(PageSerializer):
    cursor = CursorField([row_id])


class PersonSerializer(serializers.Serializer[Person]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class AssignedPersonSerializer(serializers.Serializer[Person]):
    userId = serializers.IntegerField(source="id")
    name = serializers.CharField()


class ChangeSerializer(serializers.Serializer[Change]):
    """A change with the names and values that the ticket itself is shown with."""

    shapes: dict[str, tuple[str, serializers.Field[Any, Any, Any, Any]]] = {
        **{field.source: (name, field) for name, field in TicketSerializer().fields.items()},
        ASSIGNEE: ("assignedUsers", AssignedPersonSerializer()),
    }

    def get_fields(self) -> dict[str, Any]:
        """Written so because `from` is no name for an attribute."""
        value = {
            "allow_null": True,
            "help_text": "As the ticket shows it; of `assignedUsers` the one `{userId, name}`.",
        }
        return {
            "field": serializers.ChoiceField(choices=[self.shapes[field][0] for field in (*FIELDS, ASSIGNEE)]),
            "from": serializers.JSONField(**value),
            "to": serializers.JSONField(**value),
        }

    def to_representation(self, instance: Change) -> dict[str, Any]:
        name, shape = self.shapes[instance.field]
        before, after = (
            None if value is None else shape.to_representation(value) for value in (instance.before, instance.after)
        )
        return {"field": name, "from": before, "to": after}


class ItemSerializer(serializers.Serializer[Item]):
    id = serializers.IntegerField()
    at = UtcDateTimeField()
    by = PersonSerializer(allow_null=True)
    door = serializers.ChoiceField(choices=["api", "admin", "command", "database"])
    changes = ChangeSerializer(many=True)


class HistoryPageSerializer(serializers.Serializer[Any]):
    items = ItemSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True)
