"""`manage.py retry_deliveries`: resend failed mail once the cause is fixed."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from kit.text import counted
from notifications import services
from notifications.models import GIVEN_UP, Delivery


class Command(BaseCommand):
    help = "Resend mail that was rejected (failed) or given up after retries (dead)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, help="deliveries to resend; all if none are given")
        parser.add_argument("--since", help="created at or after this time, for example 2026-08-01T18:00:00Z")
        parser.add_argument("--state", choices=GIVEN_UP, help="only those in this state")

    def handle(self, *, ids: list[int], since: str | None, state: str | None, **options: Any) -> None:
        deliveries = Delivery.objects.all()
        if ids:
            deliveries = deliveries.filter(pk__in=ids)
        if since:
            deliveries = deliveries.filter(created_at__gte=time_with_offset(since))
        if state:
            deliveries = deliveries.filter(state=state)
        number = services.retry(deliveries, at=timezone.now())
        self.stdout.write(f"{counted(number, 'message')} queued for retry.")


def time_with_offset(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not text.isascii():
        raise CommandError(f"{text!r} is not a time with a UTC offset, such as 2026-08-01T18:00:00Z.")
    return found
