"""Tickets as CSV, with the columns, filters and permissions of the list."""

from collections.abc import Iterator
from datetime import datetime

from rest_framework import serializers

from accounts.models import User
from kit.web import csv_export
from tickets import queries
from tickets.models import Ordering, Ticket, TicketQuerySet
from tickets.queries import TicketFilter
from tickets.serializers import TicketSerializer


class TicketRowSerializer(TicketSerializer):
    """An item of the list, flattened."""

    assignedUsers = serializers.SerializerMethodField()  # type: ignore[assignment]

    def get_assignedUsers(self, ticket: Ticket) -> str:  # noqa: N802
        people = (assignment.user for assignment in ticket.assignments.all())
        return "; ".join(f"{person.name} <{person.email}>" for person in people)


def selected(tickets: TicketQuerySet) -> Iterator[bytes]:
    """Yield these tickets as CSV, newest first, in batches."""

    def fetch(last: Ticket | None) -> list[Ticket]:
        remaining = tickets if last is None else tickets.filter(pk__lt=last.pk)
        return list(remaining.order_by("-pk").with_assignees()[: csv_export.BATCH])

    return csv_export.encode(TicketRowSerializer, csv_export.batches(fetch))


def tickets(*, viewer: User, filter: TicketFilter, ordering: Ordering, at: datetime) -> Iterator[bytes]:  # noqa: A002
    """Yield the matching tickets that `viewer` may see as CSV, in batches."""

    def fetch(last: Ticket | None) -> list[Ticket]:
        after = None if last is None else ordering.place(last)
        return queries.tickets(
            viewer=viewer, filter=filter, ordering=ordering, after=after, limit=csv_export.BATCH, at=at
        )

    return csv_export.encode(TicketRowSerializer, csv_export.batches(fetch))
