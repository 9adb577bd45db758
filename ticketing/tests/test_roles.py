"""What each role may do in the admin: every page and action is tried as everybody, and compared with docs/roles.md.

A page or an action without a row there fails, and so does a row without a page: what is added is entered, in the words
that the failure shows. A model that is added needs an example in pages.py as well.
"""

import re
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from kit.tests.browser import Browser, fields
from ticketing.tests.pages import Try, everything, make_examples

ROLES = ["agent", "admin", "superuser"]
NO, READS, YES = "–", "reads", "yes"


def outcome(user: User | None, page: Try) -> str:
    """What somebody may do there, found by doing it; nothing of it stays."""

    def browser() -> Client:
        return Browser(user) if user else Client()

    with transaction.atomic():
        if page.action:
            could = acted(browser().post(page.url, page.action))
            shown = False
        else:
            answer = browser().get(page.url, page.query)
            shown = let_through(answer)
            sent = {**(fields(answer) if answer.status_code == 200 else {}), "post": "yes"}
            could = not page.only_shows and let_through(browser().post(page.url, sent))
        transaction.set_rollback(True)
    return YES if could else READS if shown else NO


def let_through(answer: Any) -> bool:
    if answer.status_code == 302:
        return not answer["Location"].startswith(reverse("admin:login"))
    assert answer.status_code in (200, 403, 404, 405), answer.status_code
    return answer.status_code == 200


def acted(answer: Any) -> bool:
    """Django answers an action that is not offered with its list again, or with this warning."""
    if answer.status_code == 302:
        said = [str(message) for message in get_messages(answer.wsgi_request)]
        return let_through(answer) and "No action selected." not in said
    return let_through(answer) and "cl" not in (answer.context or {})


def table() -> dict[str, dict[str, str]]:
    """docs/roles.md: what each role may do, by key."""
    text = (configured.BASE_DIR / "docs" / "roles.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| `([^`]+)` \| (\S+) \| (\S+) \| (\S+) \|$", text, re.MULTILINE)
    return {key: dict(zip(ROLES, words, strict=True)) for key, *words in rows}


class TestRoles:
    @pytest.mark.parametrize("role", ROLES)
    def test_are_what_the_table_says(self, request: pytest.FixtureRequest, role: str) -> None:
        user = request.getfixturevalue(role)

        found = {(page.key, outcome(user, page)) for page in everything(make_examples())}

        said = {(key, words[role]) for key, words in table().items()}
        assert (found - said, said - found) == (set(), set())

    @pytest.mark.django_db
    @pytest.mark.parametrize("role", [None, "owner"])
    def test_are_for_staff_alone(self, request: pytest.FixtureRequest, role: str | None) -> None:
        customer = request.getfixturevalue(role) if role else None

        found = {page.key for page in everything(make_examples()) if outcome(customer, page) != NO}

        assert found == {"login", "logout"}

    def test_give_an_admin_all_that_an_agent_has_and_a_superuser_all_that_an_admin_has(self) -> None:
        rank = [NO, READS, YES].index

        assert all(
            rank(words["agent"]) <= rank(words["admin"]) <= rank(words["superuser"]) for words in table().values()
        )
