"""The people that tests are about, and how they call the API."""

from collections.abc import Callable

import pgtrigger.installation
import pytest
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import make_user

# Django empties the tables after tests that really commit. What keeps everybody else from doing so has tests that turn
# it on again for themselves.
REFUSALS_TO_BE_EMPTIED = [
    "tickets.Ticket:keep_all_tickets",
    "tickets.Comment:keep_all",
    "tickets.TicketEvent:keep_all",
    "tickets.AssignmentEvent:keep_all",
    "events.Inventory:keep_all_inventories",
    "events.Booking:keep_all_bookings",
    "events.BookingEntry:keep_all_entries",
]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        pgtrigger.installation.disable(*REFUSALS_TO_BE_EMPTIED)


@pytest.fixture(autouse=True)
def rows_of_migrations(django_db_serialized_rollback: None) -> None:
    """What migrations insert is there for every test, also after one that really commits and is cleaned up after."""


@pytest.fixture
def owner(db: None) -> User:
    """A customer who creates things."""
    return make_user("Olga Owner")


@pytest.fixture
def assignee(db: None) -> User:
    """A customer who is put to work on them."""
    return make_user("Axel Assignee")


@pytest.fixture
def outsider(db: None) -> User:
    """A customer who has nothing to do with them."""
    return make_user("Otto Outsider")


@pytest.fixture
def agent(db: None) -> User:
    return make_user("Agnes Agent", type=UserType.AGENT)


@pytest.fixture
def admin(db: None) -> User:
    return make_user("Ada Admin", type=UserType.ADMIN)


@pytest.fixture
def superuser(db: None) -> User:
    """An admin whom only superusers touch."""
    return make_user("Susan Super", type=UserType.ADMIN, is_superuser=True)


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient()


@pytest.fixture
def signed_in() -> Callable[[User], APIClient]:
    """`signed_in(owner).get(…)`: the API as that person, by a real token."""

    def client(user: User) -> APIClient:
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(user).access}")
        return api

    return client
