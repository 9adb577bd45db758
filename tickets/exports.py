"""Tickets as CSV, with the columns, filters and permissions of the list."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from accounts.models import User
from kit.web import csv_export
from tickets import queries, shapes
from tickets.models import Ordering, TicketQuerySet
from tickets.queries import Row, TicketFilter
from tickets.serializers import TicketSerializer


def selected(tickets: TicketQuerySet) -> Iterator[bytes]:
    """Yield these tickets as CSV, newest first, in batches."""

    def fetch(last: Row | None) -> list[Row]:
        remaining = tickets if last is None else tickets.filter(pk__lt=last["id"])
        ids = remaining.order_by("-pk").values_list("pk", flat=True)[: csv_export.BATCH]
        return queries.tickets_by_id(list(ids))

    return _encode(csv_export.batches(fetch))


def tickets(*, viewer: User, filter: TicketFilter, ordering: Ordering, at: datetime) -> Iterator[bytes]:  # noqa: A002
    """Yield the matching tickets that `viewer` may see as CSV, in batches."""

    def fetch(last: Row | None) -> list[Row]:
        after = None if last is None else queries.position(last, ordering)
        return queries.tickets(
            viewer=viewer, filter=filter, ordering=ordering, after=after, limit=csv_export.BATCH, at=at
        )

    return _encode(csv_export.batches(fetch))


def _encode(batches: Iterable[list[Row]]) -> Iterator[bytes]:
    return csv_export.encode(TicketSerializer().fields, (map(shapes.flat, batch) for batch in batches))
