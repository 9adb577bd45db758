"""What each role may do in the admin: tries every page and action as every role and compares it with docs/roles.md.

A page or action without a row there fails, and so does a row without a page. Add the rows that the failure shows. A new
model also needs an example in pages.py.
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
    """Try the page or action as the user, in a transaction that is rolled back, and return what the user may do."""

    def browser() -> Client:
        return Browser(user) if user else Client()

    with transaction.atomic():
        if page.action:
            can_act = succeeded(browser().post(page.url, page.action))
            can_read = False
        else:
            answer = browser().get(page.url, page.query)
            can_read = is_allowed(answer)
            values = {**(fields(answer) if answer.status_code == 200 else {}), "post": "yes"}
            can_act = not page.only_shows and is_allowed(browser().post(page.url, values))
        transaction.set_rollback(True)
    return YES if can_act else READS if can_read else NO


def is_allowed(answer: Any) -> bool:
    if answer.status_code == 302:
        return not answer["Location"].startswith(reverse("admin:login"))
    assert answer.status_code in (200, 403, 404, 405), answer.status_code
    return answer.status_code == 200


def succeeded(answer: Any) -> bool:
    """Return whether the action ran. Otherwise Django shows the list again, or redirects with this warning."""
    if answer.status_code == 302:
        shown = [str(message) for message in get_messages(answer.wsgi_request)]
        return is_allowed(answer) and "No action selected." not in shown
    return is_allowed(answer) and "cl" not in (answer.context or {})


def table() -> dict[str, dict[str, str]]:
    """Return the tables in docs/roles.md: what each role may do, by page."""
    text = (configured.BASE_DIR / "docs" / "roles.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| `([^`]+)` \| (\S+) \| (\S+) \| (\S+) \|$", text, re.MULTILINE)
    return {key: dict(zip(ROLES, words, strict=True)) for key, *words in rows}


@pytest.mark.slow
class TestRoles:
    @pytest.mark.parametrize("role", ROLES)
    def test_match_the_table(self, request: pytest.FixtureRequest, role: str) -> None:
        user = request.getfixturevalue(role)

        found = {(page.key, outcome(user, page)) for page in everything(make_examples())}

        documented = {(key, words[role]) for key, words in table().items()}
        assert (found - documented, documented - found) == (set(), set())

    @pytest.mark.django_db
    @pytest.mark.parametrize("role", [None, "owner"])
    def test_leave_others_only_the_sign_in_page(self, request: pytest.FixtureRequest, role: str | None) -> None:
        customer = request.getfixturevalue(role) if role else None

        found = {page.key for page in everything(make_examples()) if outcome(customer, page) != NO}

        assert found == {"login", "logout"}

    def test_each_include_the_role_below(self) -> None:
        rank = [NO, READS, YES].index

        assert all(
            rank(words["agent"]) <= rank(words["admin"]) <= rank(words["superuser"]) for words in table().values()
        )
