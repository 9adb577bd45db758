"""`manage.py weekly_report`: print the report of last week, or mail it to an admin now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from analytics import reports, services
from kit.errors import Forbidden
from notifications.mails.reports import report_text


class Command(BaseCommand):
    help = "Print the report of last week. The worker mails it every Monday to the admins who asked for it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", metavar="ADDRESS", help="mail it to the admin with this address instead")

    def handle(self, *, to: str | None, **options: Any) -> None:
        at = timezone.now()
        if to is None:
            self.stdout.write(report_text(reports.weekly(monday=reports.monday_of_report(at), at=at)))
            return
        try:
            services.send_report_now(to=User.objects.get_by_natural_key(to), at=at)
        except (User.DoesNotExist, Forbidden) as error:
            raise CommandError(f"{to} is not the address of an active admin.") from error
        self.stdout.write(f"Queued for {to}.")
