"""`manage.py retry_deliveries`: send again what was given up, after the fault has been mended."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from notifications import services
from notifications.models import GIVEN_UP, Delivery


class Command(BaseCommand):
    help = "Send deliveries again that failed or were given up: these, or all that the options allow."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, help="of deliveries; all, if there are none")
        parser.add_argument("--since", help="made at or after that time, as 2026-08-01T18:00:00Z")
        parser.add_argument("--state", choices=GIVEN_UP, help="in that state alone")

    def handle(self, *, ids: list[int], since: str | None, state: str | None, **options: Any) -> None:
        deliveries = Delivery.objects.all()
        if ids:
            deliveries = deliveries.filter(pk__in=ids)
        if since:
            deliveries = deliveries.filter(created_at__gte=moment(since))
        if state:
            deliveries = deliveries.filter(state=state)
        number = services.retry(deliveries, at=timezone.now())
        self.stdout.write(f"{number} to be sent again.")


def moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise CommandError(f"{text!r} is no time with an offset, such as 2026-08-01T18:00:00Z.")
    return found
