"""What each role may do in the admin: every page and action is tried as everybody, and compared with docs/roles.md.

A page or an action without a row there fails, and so does a row without a page: what is added is entered, in the words
that the failure shows. A model that is added needs an example below as well.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.conf import settings as configured
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from events.models import Booking, Event
from events.tests.factories import book, make_event
from notifications.models import Delivery
from notifications.tests.factories import make_delivery
from projects.models import Project
from projects.tests.factories import make_project
from ticketing import urls
from ticketing.tests.browser import Browser, fields
from tickets.models import Priority, SlaPolicy, Ticket
from tickets.tests.factories import make_ticket

ROLES = ["agent", "admin", "superuser"]
# Who is nobody's staff finds these and nothing else.
EVERYBODYS = {"login", "logout"}
# Pages that show something, whatever is sent to them.
SHOWING = ("_changelist", "_history", "app_list", "autocomplete")
SHOWING_ALL = {"index", "search", "jsi18n", "view_on_site", "password_change_done"}
# An old address of a page, and any address without one; they are Django's.
LEADING_ELSEWHERE = {"<path:object_id>/", "(?P<url>.*)$"}
NO, READS, YES = "–", "reads", "yes"

Examples = dict[type[Model], Model]


@dataclass(frozen=True)
class Try:
    """A page, or an action on the rows of a list. The key is its row in docs/roles.md."""

    key: str
    url: str
    query: dict[str, str] = field(default_factory=dict)
    action: dict[str, Any] = field(default_factory=dict)

    @property
    def only_shows(self) -> bool:
        return self.key in SHOWING_ALL or any(kind in self.key for kind in SHOWING)


@pytest.fixture
def superuser(db: None) -> User:
    return make_user("Susan Super", type=UserType.ADMIN, is_superuser=True)


@pytest.fixture
def examples(db: None) -> Examples:
    """One of each thing that the admin shows: whatever can be done to such a thing can be done to it."""
    user, creator = make_user("Una User"), make_user("Carl Creator", type=UserType.ADMIN)
    TOTPDevice.objects.create(user=user, name="Authenticator app")
    return {
        User: user,
        Project: make_project("Website"),
        Ticket: make_ticket(creator),
        SlaPolicy: SlaPolicy.objects.get(priority=Priority.HIGH),
        Delivery: make_delivery(creator),
        Event: make_event(creator),
        Booking: book(make_event(creator)),
        AccessAttempt: AccessAttempt.objects.create(
            username="SOMEBODY@EXAMPLE.COM", ip_address="192.0.2.1", failures_since_start=5
        ),
    }


def patterns(entries: list[Any]) -> Iterator[URLPattern]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns)
        else:
            yield entry


def everything(examples: Examples) -> list[Try]:
    """All pages and actions that there are."""
    pages = [page for page in urls.urlpatterns if isinstance(page, URLPattern)]
    tries = [Try(str(page.name), reverse(page.name)) for page in pages if str(page.pattern).startswith("admin/")]
    of_the_site = {name for name, _ in named(page for page in admin.site.get_urls() if isinstance(page, URLPattern))}
    tries += [
        Try(name, reverse(f"admin:{name}")) for name in of_the_site - {"app_list", "autocomplete", "view_on_site"}
    ]
    ticket = examples[Ticket]
    shortcut = [ContentType.objects.get_for_model(ticket).pk, ticket.pk]
    tries.append(Try("view_on_site", reverse("admin:view_on_site", args=shortcut)))
    labels = {model._meta.app_label for model in admin.site._registry}
    tries += [Try(f"app_list {label}", reverse("admin:app_list", args=[label])) for label in labels]
    for model in admin.site._registry:
        assert model in examples, f"{model.__name__} is in the admin and has no example in this test"
        tries += [*pages_of(examples[model]), *actions_of(examples[model]), *offers_of(model)]
    return tries


def named(pages: Iterable[URLPattern]) -> Iterator[tuple[str, URLPattern]]:
    for page in pages:
        if page.name:
            yield page.name, page
        else:
            assert str(page.pattern) in LEADING_ELSEWHERE, f"{page.pattern} has no name to find it by"


def pages_of(example: Model) -> Iterator[Try]:
    for name, page in named(patterns(admin.site.get_model_admin(type(example)).urls)):
        yield Try(name, reverse(f"admin:{name}", args=[example.pk] if page.pattern.converters else []))


def actions_of(example: Model) -> Iterator[Try]:
    model_admin = admin.site.get_model_admin(type(example))
    if model_admin.actions is None:
        return
    name = f"{example._meta.app_label}_{example._meta.model_name}_changelist"
    for _, action, _ in model_admin._get_base_actions():  # type: ignore[attr-defined]
        yield Try(
            f"{name} {action}",
            reverse(f"admin:{name}"),
            action={"action": action, "_selected_action": [example.pk]},
        )


def offers_of(model: type[Model]) -> Iterator[Try]:
    """What is offered while somebody types into a field that refers to such a thing, whichever field."""
    if not admin.site.get_model_admin(model).search_fields:
        return
    for relation in model._meta.related_objects:
        source = {"app_label": relation.related_model._meta.app_label}
        source |= {"model_name": str(relation.related_model._meta.model_name), "field_name": relation.field.name}
        yield Try(f"autocomplete {model._meta.label_lower}", reverse("admin:autocomplete"), query=source)
        return


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
    def test_are_what_the_table_says(self, request: pytest.FixtureRequest, examples: Examples, role: str) -> None:
        user = request.getfixturevalue(role)

        found = {page.key: outcome(user, page) for page in everything(examples)}

        assert found == {key: words[role] for key, words in table().items()}

    @pytest.mark.parametrize("role", [None, "owner"])
    def test_are_for_staff_alone(self, request: pytest.FixtureRequest, examples: Examples, role: str | None) -> None:
        customer = request.getfixturevalue(role) if role else None

        found = {page.key for page in everything(examples) if outcome(customer, page) != NO}

        assert found == EVERYBODYS

    def test_give_an_admin_all_that_an_agent_has_and_a_superuser_all_that_an_admin_has(self) -> None:
        rank = [NO, READS, YES].index

        assert all(
            rank(words["agent"]) <= rank(words["admin"]) <= rank(words["superuser"]) for words in table().values()
        )
