"""Request and response bodies of document 004, "HelpDesk Mini"."""

from typing import Any

from rest_framework import serializers

from accounts.models import User, UserType
from accounts.serializers import PasswordField
from kit.db.sql import MAX_ID
from kit.web.bodies import NullIsDefault
from kit.web.fields import CountField, EmailField, IdField, SingleLineField, TextField, with_milliseconds
from kit.web.paging import PageSerializer
from sla.models import Priority
from tickets import queries, shapes
from tickets.models import Status, Ticket
from tickets.queries import Row

ROLES = {"user": UserType.CUSTOMER, "agent": UserType.AGENT, "admin": UserType.ADMIN}
# All names are accepted. Where two mean the same status, responses use the first.
STATUSES = {"open": Status.OPEN, "in_progress": Status.IN_PROGRESS, "closed": Status.CLOSED, "resolved": Status.CLOSED}
BREACHED = "breached"
# PostgreSQL reads skipped rows as well, so large offsets are slow.
MAX_OFFSET = 1_000_000


class RegisterSerializer(NullIsDefault):
    name = SingleLineField(min_length=3, max_length=150)
    email = EmailField()
    # Which password rule applies depends on the role.
    password = PasswordField()
    role = serializers.ChoiceField(choices=list(ROLES), default="user")


class RegisteredSerializer(serializers.Serializer[User]):
    _id = serializers.CharField(source="pk")
    name = serializers.CharField()
    email = serializers.EmailField()


class NewTicketSerializer(NullIsDefault):
    title = SingleLineField(max_length=255)
    description = TextField(max_length=20_000, required=False, allow_blank=True, allow_null=True)
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
    version = IdField(min_value=1, max_value=MAX_ID, required=False, allow_null=True)


class TicketQuerySerializer(PageSerializer):
    offset = CountField(min_value=0, max_value=MAX_OFFSET, default=0)
    status = StatusField(BREACHED, required=False)
    q = TextField(max_length=255, required=False, allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the query in the domain's terms."""
        status, text = attrs.get("status"), attrs.get("q")
        chosen = queries.TicketFilter(
            status=None if status == BREACHED else status,
            sla=BREACHED if status == BREACHED else None,
            search=text or None,
        )
        return {"filter": chosen, "limit": attrs["limit"], "offset": attrs["offset"]}


def shape_of_ticket(row: Row) -> dict[str, Any]:
    """Return the document's ticket from one of the product's."""
    assignees = shapes.assignees(row)
    row = shapes.ticket(row)
    return {
        "_id": str(row["id"]),
        "title": row["title"],
        "description": row["description"],
        "priority": row["priority"],
        "status": next(name for name, status in STATUSES.items() if status == row["status"]),
        # Null while the ticket is on hold, a state that the document does not have.
        "sla_due": with_milliseconds(row["slaDue"]),
        # Other contracts may assign several.
        "assignee": str(assignees[0]["userId"]) if assignees else None,
        "created_by": str(row["createdBy"]),
        "created_at": with_milliseconds(row["createdDate"]),
        "updated_at": with_milliseconds(row["updatedDate"]),
        "version": row["version"],
    }


class CommentsQuerySerializer(serializers.Serializer[Any]):
    before = IdField(source="before_id", min_value=1, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Lower an ID that is too large for the database: every comment comes before it."""
        return {name: min(value, MAX_ID) for name, value in attrs.items()}


def shape_of_comment(row: Row) -> dict[str, Any]:
    """Return the document's comment. Its own front end displays `author` and `createdAt` as they are."""
    created_at = with_milliseconds(row["createdDate"])
    return {
        "_id": str(row["id"]),
        "message": row["message"],
        "author": row["author"]["name"],
        "author_id": str(row["author"]["id"]),
        "internal": row["internal"],
        "created_at": created_at,
        "createdAt": created_at,
    }
