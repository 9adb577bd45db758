"""Fixtures for the tests of the contracts."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from contracts.tests.box_office_document import bare
from events.models import Event
from events.tests.factories import make_event
from kit.web import throttling
from projects.models import Project
from tickets.models import Ticket
from tickets.tests.factories import make_ticket


@pytest.fixture
def rate_limits(settings: Any) -> Iterator[Any]:
    """Turn rate limits on, with all counters at zero before and after. The test sets the limits."""
    settings.RATE_LIMITS = True
    throttling.counter.cache_clear()
    yield settings
    throttling.counter.cache_clear()


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], None]:
    """Return a function that breaks another: `crash(services, "create")` makes it raise an unexpected error."""

    def fail(**_: Any) -> None:
        raise RuntimeError("the combination is 1-2-3-4-5")

    def replace(module: Any, name: str) -> None:
        monkeypatch.setattr(module, name, fail)

    return replace


@pytest.fixture
def bare_api(owner: User) -> APIClient:
    """A client of document 002 with the owner's bare token."""
    return bare(owner)


@pytest.fixture
def party(admin: User) -> Event:
    """An event with one seat that started long ago and whose bookings never close."""
    return make_event(admin, capacity=1, starts_at=datetime(2021, 12, 31, tzinfo=UTC))


@pytest.fixture
def event(admin: User) -> Event:
    """An event with ten seats."""
    return make_event(admin, capacity=10)


@pytest.fixture
def owner_api(owner: User, signed_in: Callable[[User], APIClient]) -> APIClient:
    """A client signed in as the owner, a customer."""
    return signed_in(owner)


@pytest.fixture
def agent_api(agent: User, signed_in: Callable[[User], APIClient]) -> APIClient:
    """A client signed in as an agent."""
    return signed_in(agent)


@pytest.fixture
def ticket(owner: User) -> Ticket:
    """The owner's ticket in the project "HelpDesk"."""
    return make_ticket(owner, project=Project.objects.helpdesk())
