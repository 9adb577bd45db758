"""Fixtures shared by the tests of `accounts`."""

import pytest

from accounts.models import User
from accounts.tests.api import login


@pytest.fixture
def locked_out(owner: User) -> User:
    """A customer who is locked out after five failed sign-ins through the API."""
    for _ in range(5):
        login(owner.email, "wrong")
    return owner
