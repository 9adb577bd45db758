"""`manage.py check_bookings`: check that inventory, bookings, ledger, waiting list and check-ins agree."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events import queries
from kit.db import sql

# Large enough to be fast, small enough to report progress about every second.
SPAN = 50_000


class Command(BaseCommand):
    help = (
        "Check that the seats, bookings, ledger, waiting list and check-ins of every event agree, and list what does"
        " not. Changes nothing, and can run while people are booking."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--span", type=int, default=SPAN, metavar="BOOKINGS", help="bookings per batch")

    def handle(self, *, span: int, **options: Any) -> None:
        if span < 1:
            raise CommandError("--span must be at least 1.")
        events = bookings = faults = 0
        with sql.snapshot():
            for part in queries.booking_parts(size=span):
                for fault in queries.booking_faults(part):
                    self.stdout.write(str(fault))
                    faults += 1
                events += part.events
                bookings += part.bookings
                if bookings > span:
                    self.stderr.write(f"{bookings:,} bookings so far …")
        if faults:
            raise CommandError(f"{faults:,} faults in {bookings:,} bookings of {events:,} events.")
        self.stdout.write(f"{bookings:,} bookings of {events:,} events checked. No faults.")
