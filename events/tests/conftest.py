"""Fixtures for events. Override `capacity` in a module that needs events of another size."""

import pytest

from accounts.models import User
from events.models import Event
from events.tests.factories import make_event


@pytest.fixture
def capacity() -> int:
    return 10


@pytest.fixture
def event(admin: User, capacity: int) -> Event:
    """A published event with `capacity` seats, all free."""
    return make_event(admin, capacity=capacity)
