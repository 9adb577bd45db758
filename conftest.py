"""The people that tests are about, and how they call the API."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import make_user


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
