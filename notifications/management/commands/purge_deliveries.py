"""`manage.py purge_deliveries`: delete old deliveries. The worker does this daily, after MAIL_KEEP_DAYS."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from notifications import services


class Command(BaseCommand):
    help = "Delete records of mail that was sent or failed, and the addresses in them. Pending mail is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=int, metavar="DAYS", default=settings.MAIL_KEEP_DAYS)

    def handle(self, *, older_than: int, **options: Any) -> None:
        if older_than < 0:
            raise CommandError("--older-than cannot be negative.")
        number = services.purge(older_than=timedelta(days=older_than), at=timezone.now())
        self.stdout.write(f"{number} deleted.")
