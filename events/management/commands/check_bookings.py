"""`manage.py check_bookings`: do the books of the box office add up?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events import queries
from kit.db import sql

# Enough to be fast, little enough to show how far it is every second or so.
SPAN = 50_000


class Command(BaseCommand):
    help = (
        "Compare seats, bookings, ledger and queue of every event and say what is off. Changes nothing; at any time,"
        " while others book."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--span", type=int, default=SPAN, metavar="BOOKINGS", help="how many to look at at once")

    def handle(self, *, span: int, **options: Any) -> None:
        if span < 1:
            raise CommandError("--span is at least 1.")
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
        self.stdout.write(f"{bookings:,} bookings of {events:,} events: all is right.")
