"""`manage.py fold_daily_counts`: fold, check or rebuild the daily counts behind the analytics."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import queries, services


class Command(BaseCommand):
    help = "Merge the rows of the ticket counts by day and month. Safe at any time; the worker does it every hour."

    def add_arguments(self, parser: CommandParser) -> None:
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--check", action="store_true", help="compare the counts with the tickets instead")
        instead.add_argument("--rebuild", action="store_true", help="count all tickets again instead")

    def handle(self, *, check: bool, rebuild: bool, **options: Any) -> None:
        if check:
            self._check()
            return
        folded = services.rebuild_daily_counts() if rebuild else services.fold_daily_counts()
        self.stdout.write(f"Replaced {folded.removed:,} rows with {folded.written:,}.")

    def _check(self) -> None:
        faults = [*queries.daily_count_faults(), *queries.last_day_faults()]
        for fault in faults:
            self.stdout.write(str(fault))
        if faults:
            raise CommandError(f"Wrong daily counts: {len(faults):,}. Run with --rebuild to correct them.")
        self.stdout.write("All daily counts are correct.")
