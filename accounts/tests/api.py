"""API calls that several tests make."""

from collections.abc import Callable
from typing import Any

from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import PASSWORD

# The type of the fixture `signed_in`.
SignedIn = Callable[[User], APIClient]


def login(email: str, password: str = PASSWORD, **extra: Any) -> Any:
    return APIClient().post("/auth/login", {"email": email, "password": password}, **extra)


def wrong_fields(answer: Any) -> list[str]:
    """Return the fields that an error names, each once."""
    return list(dict.fromkeys(fault["field"] for fault in answer.json()["errors"]))


def in_capitals(address: str) -> str:
    """Return the address with its local part in capitals; domains are stored in lowercase."""
    local_part, _, domain = address.partition("@")
    return f"{local_part.upper()}@{domain}"
