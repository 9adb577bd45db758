"""Fixtures for all tests: people by role, API clients, and database setup."""

import gc
from collections.abc import Callable, Iterator

import pgtrigger.installation
import pytest
from django.db import connection
from django.test import override_settings
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.tests.migrated_rows import keep_migrated_rows
from kit.tests.template import migrated_template

# Triggers that refuse TRUNCATE. Django truncates all tables after a test that commits, so these are off in tests; the
# tests of the triggers themselves turn them on again.
TRUNCATE_REFUSALS = [
    "tickets.Ticket:keep_all_tickets",
    "tickets.Comment:keep_all",
    "tickets.TicketEvent:keep_all",
    "tickets.AssignmentEvent:keep_all",
    "accounts.AuditEntry:keep_all_audit",
    "events.Inventory:keep_all_inventories",
    "events.Booking:keep_all_bookings",
    "events.BookingEntry:keep_all_entries",
    "events.CheckIn:keep_all_check_ins",
    "changes.Change:keep_log",
    "changes.InboxRow:keep_inbox",
    "changes.Log:keep_state_row",
]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated_template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        pgtrigger.installation.disable(*TRUNCATE_REFUSALS)
        keep_migrated_rows()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    # Collected tests live until the end, so the garbage collector need not traverse them each time.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def fast_password_hashes() -> Iterator[None]:
    with override_settings(PASSWORD_HASHERS=["accounts.tests.hashers.FastArgon2Hasher"]):
        yield


@pytest.fixture(autouse=True)
def rows_of_migrations(django_db_serialized_rollback: None) -> None:
    """Keep Django from running `post_migrate` after a test that commits. `keep_migrated_rows` restores its rows."""


@pytest.fixture
def owner(db: None) -> User:
    """A customer who creates things."""
    return make_user("Olga Owner")


@pytest.fixture
def assignee(db: None) -> User:
    """A customer who is assigned to tickets."""
    return make_user("Axel Assignee")


@pytest.fixture
def outsider(db: None) -> User:
    """A customer with no connection to the others' records."""
    return make_user("Otto Outsider")


@pytest.fixture
def agent(db: None) -> User:
    return make_user("Agnes Agent", type=UserType.AGENT)


@pytest.fixture
def admin(db: None) -> User:
    return make_user("Ada Admin", type=UserType.ADMIN)


@pytest.fixture
def superuser(db: None) -> User:
    """An admin whom only superusers can change."""
    return make_user("Susan Super", type=UserType.ADMIN, is_superuser=True)


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient()


@pytest.fixture
def signed_in() -> Callable[[User], APIClient]:
    """Return a function that makes an API client with a user's token: `signed_in(owner).get(…)`."""

    def client(user: User) -> APIClient:
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(user).access}")
        return api

    return client
