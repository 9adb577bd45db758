"""`manage.py export_bookings`: the bookings as CSV, as `GET /bookings/export` gives them to somebody."""

from collections.abc import Iterator
from typing import Any

from accounts.export_command import ExportCommand
from accounts.models import User
from events import exports
from events.serializers import BookingFilterSerializer


class Command(ExportCommand):
    help = "Write bookings as CSV: all of them, or those that somebody may see."
    shape = BookingFilterSerializer

    def content(self, *, viewer: User, **query: Any) -> Iterator[bytes]:
        return exports.bookings(viewer=viewer, **query)
