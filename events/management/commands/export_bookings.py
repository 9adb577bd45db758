"""`manage.py export_bookings`: bookings as CSV, like `GET /bookings/export`."""

from collections.abc import Iterator
from typing import Any

from accounts.export_command import ExportCommand
from accounts.models import User
from events import exports
from events.serializers import BookingFilterSerializer


class Command(ExportCommand):
    help = "Export bookings as CSV: all of them, or those that a given user may see."
    shape = BookingFilterSerializer

    def content(self, *, viewer: User, **query: Any) -> Iterator[bytes]:
        return exports.bookings(viewer=viewer, **query)
