"""Tickets as CSV, with the columns, filters and permissions of the list; in the admin, with the currency of prices."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from accounts.models import User
from kit.web import csv_export
from tickets import queries, shapes
from tickets.models import Ordering, TicketQuerySet
from tickets.queries import Row, TicketFilter
from tickets.serializers import TicketSerializer

# Those of the list, but for a time that only matters to clients who synchronise.
COLUMNS = [name for name in TicketSerializer().get_fields() if name != "activityDate"]


def selected(tickets: TicketQuerySet) -> Iterator[bytes]:
    """Yield these tickets as CSV, newest first, in batches."""

    def fetch(last: Row | None) -> list[Row]:
        remaining = tickets if last is None else tickets.filter(pk__lt=last["id"])
        ids = remaining.order_by("-pk").values_list("pk", flat=True)[: csv_export.BATCH]
        return queries.tickets_by_id(list(ids))

    columns = [*COLUMNS]
    columns.insert(columns.index("price") + 1, "currency")

    def cells(row: Row) -> Row:
        values = shapes.flat(row)
        values["currency"] = None if values["price"] is None else settings.CURRENCY
        return {name: values[name] for name in columns}

    return csv_export.encode(columns, (map(cells, batch) for batch in csv_export.batches(fetch)))


def tickets(*, viewer: User, filter: TicketFilter, ordering: Ordering, at: datetime) -> Iterator[bytes]:  # noqa: A002
    """Yield the matching tickets that `viewer` may see as CSV, in batches."""

    def fetch(last: Row | None) -> list[Row]:
        after = None if last is None else queries.position(last, ordering)
        return queries.tickets(
            viewer=viewer, filter=filter, ordering=ordering, after=after, limit=csv_export.BATCH, at=at
        )

    batches = csv_export.batches(fetch, user_id=viewer.pk)
    return csv_export.encode(COLUMNS, (map(shapes.flat, batch) for batch in batches))
