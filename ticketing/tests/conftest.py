"""Fixtures of the tests of all forms in the admin."""

import pytest

from accounts.models import User
from kit.tests.browser import Browser
from ticketing.tests.pages import Examples, make_examples


@pytest.fixture
def examples(db: None) -> Examples:
    return make_examples()


@pytest.fixture
def browser(superuser: User) -> Browser:
    return Browser(superuser)
