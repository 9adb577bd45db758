"""Bookings as CSV, with the filters and permissions of the list."""

from collections.abc import Iterator

from accounts.models import User
from events import queries, shapes
from events.queries import Row
from kit.web import csv_export

# The keys of an item of the list, flattened.
COLUMNS = (
    *("id", "event", "user", "guestFirstName", "guestLastName", "guestEmail", "quantity", "cancelled", "status"),
    *("position", "unitPrice", "currency", "createdAt"),
)


def bookings(
    *, viewer: User, event_id: int | None = None, status: str | None = None, search: str = ""
) -> Iterator[bytes]:
    """Yield the bookings that `viewer` may see as CSV, in batches."""

    def fetch(last: Row | None) -> list[Row]:
        before_id = None if last is None else last["id"]
        return queries.bookings(
            viewer=viewer, event_id=event_id, status=status, search=search, before_id=before_id, limit=csv_export.BATCH
        )

    batches = csv_export.batches(fetch, user_id=viewer.pk)
    return csv_export.encode(COLUMNS, (map(shapes.flat_booking, batch) for batch in batches))
