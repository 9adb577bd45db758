"""Tickets for tests."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from projects.models import Project
from tickets import services
from tickets.models import Comment, Ticket


def make_ticket(
    by: User, *, title: str = "Fix the database", created_at: datetime | None = None, **fields: Any
) -> Ticket:
    """Create a ticket, in "General" by default, bypassing the services and their rules about time."""
    created_at = created_at or timezone.now().replace(microsecond=0)
    return Ticket.objects.create(
        title=title,
        project=fields.pop("project", None) or Project.objects.general(),
        created_by=by,
        created_at=created_at,
        sla_due_at=created_at + timedelta(hours=24),
        **fields,
    )


def assign(ticket: Ticket, *users: User) -> None:
    for user in users:
        services.assign(ticket_id=ticket.pk, user_id=user.pk, by=ticket.created_by)


def make_comment(ticket: Ticket, by: User, *, message: str = "Any news?", **fields: Any) -> Comment:
    return services.comment(ticket_id=ticket.pk, by=by, at=timezone.now(), message=message, **fields)
