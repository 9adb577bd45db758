"""Watching tickets: getting the mail that assignees get."""

from django.db import transaction

from accounts.models import User
from tickets.models import Watch
from tickets.services.changes import check_visible


@transaction.atomic
def watch(*, ticket_id: int, by: User) -> None:
    """Make the user watch a ticket. Does nothing if they do.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    """
    check_visible(ticket_id, by=by)
    Watch.objects.bulk_create([Watch(ticket_id=ticket_id, user=by)], ignore_conflicts=True)


@transaction.atomic
def unwatch(*, ticket_id: int, by: User) -> None:
    """Make the user stop watching a ticket. Does nothing if they do not watch it.

    :raises TicketNotFound: no such ticket, or not visible to `by`.
    """
    check_visible(ticket_id, by=by)
    Watch.objects.filter(ticket_id=ticket_id, user=by).delete()
