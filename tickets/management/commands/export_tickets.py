"""`manage.py export_tickets`: the CSV of `GET /tickets/export` on the command line."""

from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from accounts.export_command import ExportCommand
from accounts.models import User
from tickets import exports
from tickets.serializers import TicketFilterSerializer


class Command(ExportCommand):
    help = "Export tickets as CSV: all of them, or those that a given user may see."
    shape = TicketFilterSerializer

    def content(self, *, viewer: User, **query: Any) -> Iterator[bytes]:
        return exports.tickets(viewer=viewer, **query, at=timezone.now())
