"""Fixtures for tests of tickets. The people are in the root conftest.py."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from projects.models import Project, Visibility
from projects.tests.factories import make_project
from tickets.models import Status, Ticket
from tickets.tests.factories import make_ticket


@pytest.fixture
def project(db: None) -> Project:
    """A project whose tickets everyone can see."""
    return make_project()


@pytest.fixture
def hidden_project(db: None) -> Project:
    """A project whose tickets only staff and the people involved can see."""
    return make_project(visibility=Visibility.INVOLVED)


@pytest.fixture
def ticket(owner: User) -> Ticket:
    """An open ticket of the owner's, without assignees."""
    return make_ticket(owner)


@pytest.fixture
def hidden_ticket(owner: User, hidden_project: Project) -> Ticket:
    """A ticket of the owner's that only staff and the people involved can see."""
    return make_ticket(owner, project=hidden_project)


@pytest.fixture
def closed_ticket(owner: User) -> Ticket:
    return make_ticket(owner, status=Status.CLOSED)


@pytest.fixture
def deactivated_user(db: None) -> User:
    return make_user("Dora Deactivated", is_active=False)


@pytest.fixture
def api(owner: User, signed_in: Callable[[User], APIClient]) -> APIClient:
    """The API, called by the owner."""
    return signed_in(owner)


@pytest.fixture
def staff_api(agent: User, signed_in: Callable[[User], APIClient]) -> APIClient:
    """The API, called by an agent."""
    return signed_in(agent)


@pytest.fixture
def other_connection(db: None) -> Iterator[psycopg.Connection]:
    """A second connection in autocommit mode, as a psql session would have."""
    with connection.get_new_connection(connection.get_connection_params()) as other:
        other.autocommit = True
        yield other
