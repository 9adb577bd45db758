"""`manage.py reset_second_factor`: for who has lost the app and the recovery codes, and has no other admin to ask."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import second_factor
from accounts.models import User


class Command(BaseCommand):
    help = "Take somebody's second factor away. At the next page of the admin they set up another."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *, email: str, **options: Any) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"Nobody has the address {email}.")
        if not second_factor.forget(user):
            raise CommandError(f"{user} has no second factor.")
        self.stdout.write(f"{user} has no second factor any more.")
