"""`manage.py lift_lockout`: end all lockouts of an account at once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts import lockout, services


class Command(BaseCommand):
    help = "Forget all failed sign-ins to an account, so that nobody is locked out of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *, email: str, **options: Any) -> None:
        services.lift_lockout(account=lockout.account(email))
        self.stdout.write(f"Lifted all lockouts of {email}.")
