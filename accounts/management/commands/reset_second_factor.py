"""`manage.py reset_second_factor`: for users who lost the app and the recovery codes when no admin can reset them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import second_factor
from accounts.models import User


class Command(BaseCommand):
    help = "Remove a user's second factor. The admin then asks them to set up a new one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *, email: str, **options: Any) -> None:
        user = User.objects.with_email(email).first()
        if user is None:
            raise CommandError(f"No user has the address {email}.")
        if not second_factor.remove(user):
            raise CommandError(f"{user} has no second factor.")
        self.stdout.write(f"Removed the second factor of {user}.")
