"""Users for tests."""

import itertools
from typing import Any

from django.contrib.auth.hashers import make_password

from accounts.models import User

PASSWORD = "correct horse, battery"
_HASH = make_password(PASSWORD)
_numbers = itertools.count(1)


def make_user(name: str = "Some Body", *, email: str = "", **fields: Any) -> User:
    """Create a user whose password is PASSWORD."""
    email = email or f"{name.split()[0].lower()}.{next(_numbers)}@example.com"
    return User.objects.create(name=name, email=email, password=_HASH, **fields)
