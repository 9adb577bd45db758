"""The wire shapes of tickets (CONTRACTS: tickets; document 000, sections 3 to 5)."""

from typing import Any

from rest_framework import serializers

from ticketing.fields import IdField, MoneyField, SingleLineField, UtcDateTimeField
from tickets.models import Assignment, Priority, Status, Ticket


class StatusField(serializers.ChoiceField):
    """`in progress` and `in_progress` are read too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Status.choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if data in ("in progress", "in_progress"):
            return Status.IN_PROGRESS
        return super().to_internal_value(data)


class NewTicketSerializer(serializers.Serializer[Ticket]):
    """`POST /ticket`, document 000: only the title is required."""

    title = SingleLineField(max_length=255)
    description = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    project = IdField(source="project_id", required=False, allow_null=True)
    status = StatusField(required=False)
    type = SingleLineField(max_length=50, required=False)
    venue = SingleLineField(max_length=255, required=False, allow_blank=True)
    price = MoneyField(required=False, allow_null=True)
    priority = serializers.ChoiceField(choices=Priority.values, required=False)
    dueDate = UtcDateTimeField(source="due_at", required=False, allow_null=True)
    createdBy = IdField(source="created_by_id", required=False, allow_null=True)
    assignedUsers = serializers.ListField(
        source="assigned_user_ids", child=IdField(), max_length=100, required=False
    )


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
