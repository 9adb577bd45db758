"""`manage.py reencrypt`: the second of three steps in replacing a key of ENCRYPTION_KEYS (docs/operations.md)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import second_factor
from kit.encryption import Undecryptable
from webhooks import services as webhooks


class Command(BaseCommand):
    help = "Encrypt all stored secrets under the first of ENCRYPTION_KEYS, so that the others can be removed."

    def handle(self, **options: Any) -> None:
        try:
            with transaction.atomic():
                number = second_factor.reencrypt() + webhooks.reencrypt()
        except Undecryptable as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        self.stdout.write(f"Encrypted {number} secrets under the first key.")
