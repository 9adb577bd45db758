"""`manage.py fold_daily_counts`: keep the counts behind the analytics few; check them; make them anew."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import queries, services


class Command(BaseCommand):
    help = "Add up the daily counts that the analytics are answered from. To be run now and then, at any time."

    def add_arguments(self, parser: CommandParser) -> None:
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--check", action="store_true", help="compare them with the tickets and say what is off")
        instead.add_argument("--rebuild", action="store_true", help="count everything anew from the tickets")

    def handle(self, *, check: bool, rebuild: bool, **options: Any) -> None:
        if check:
            self._check()
            return
        folded = services.rebuild_daily_counts() if rebuild else services.fold_daily_counts()
        self.stdout.write(f"{folded.removed:,} rows became {folded.written:,}.")

    def _check(self) -> None:
        faults = queries.daily_count_faults()
        for fault in faults:
            self.stdout.write(str(fault))
        if faults:
            raise CommandError(f"{len(faults):,} counts are off; --rebuild counts them anew.")
        self.stdout.write("Every count is right.")
