"""Users for tests."""

import itertools
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password

from accounts.models import User

PASSWORD = "correct horse, battery"
_numbers = itertools.count(1)


def make_user(name: str = "Some Body", *, email: str = "", **fields: Any) -> User:
    """Create a user whose password is PASSWORD."""
    first_name = name.split()[0].lower().encode("ascii", "ignore").decode()
    email = email or f"{first_name or 'user'}.{next(_numbers)}@example.com"
    return User.objects.create(name=name, email=email, password=_password_hash(), **fields)


@cache
def _password_hash() -> str:
    return make_password(PASSWORD)
