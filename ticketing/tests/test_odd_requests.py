"""The admin with odd ids, filters, actions and forms: never a 500, whatever the address, the query or the body says."""

import re
from collections.abc import Iterator
from itertools import cycle
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.db import connection
from django.urls import URLPattern, URLResolver, reverse

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.errors import Busy
from kit.tests.browser import Browser, fields
from ticketing.tests.pages import Examples, Try, everything, make_examples
from tickets.models import Ticket

# Percent-encoded, because some are not text: a NUL, a lone surrogate, half a character. One is a digit outside ASCII.
ODD = [
    *("", "abc", "on", "-1", "0", "1.5", "NaN", "99999", str(2**31), str(2**63), str(10**30), "9" * 5000, "x" * 5000),
    *("%20", "%00", "1%00", "%ED%A0%80", "%C3", "%D9%A1", "%F0%9F%98%80", "%2C", "1,abc", "_5F", "%28"),
]
# For places that are tried many times.
FEW = ["abc", str(10**30), "%00", "%28"]
# For fields of forms, each of which takes a whole page: one for each field, and both for all fields at once.
WORST = [str(10**30), "%00"]
LOOKUPS = ["", "__exact", "__in", "__isnull", "__gte", "__range", "__regex", "__year", "__date", "__abc"]
PARAMETERS = ["o", "p", "q", "e", "all", "_facets", "_to_field", "_popup", "_changelist_filters", "abc", "%00", "pk"]
QUERIES = ["x=1", "_popup=1", "_to_field=abc", "_to_field=id", "_to_field=%00", "_saveasnew=1", "_changelist_filters="]


class Hostile:
    """A superuser who collects the requests that failed."""

    def __init__(self) -> None:
        self.browser = Browser(make_user("Susan Super", type=UserType.ADMIN, is_superuser=True))
        self.browser.raise_request_exception = False
        self.faults: list[str] = []

    def get(self, url: str) -> Any:
        return self._checked(f"GET {url}", self.browser.get(url))

    def post(self, url: str, body: str) -> Any:
        answer = self.browser.post(url, body, content_type="application/x-www-form-urlencoded")
        return self._checked(f"POST {url} {body}", answer)

    def _checked(self, request: str, answer: Any) -> Any:
        if answer.status_code >= 500:
            self.faults.append(f"{request[:200]}: {(answer.exc_info or [None, None])[1]!r}")
        if answer.streaming:
            # Fails here if the export does.
            answer.getvalue()
        return answer


def body_of(values: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(value)}" for name, value in values.items())


def addresses(entries: list[Any], prefix: str = "/admin/") -> Iterator[str]:
    """Yield the addresses with arguments, such as `/admin/tickets/ticket/<path:object_id>/change/`."""
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, f"{prefix}{entry.pattern}")
        elif isinstance(entry, URLPattern) and getattr(entry.pattern, "converters", {}):
            yield f"{prefix}{entry.pattern}"


def list_of(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def columns() -> dict[type, tuple[Any, str]]:
    """Return a model and a field's name for each kind of column and relation."""
    return {type(field): (model, field.name) for model in site._registry for field in model._meta.get_fields()}


def forms_of(examples: Examples) -> list[Try]:
    """Return the pages to which anything can be posted without ending the session or deleting the examples."""
    pages = [page for page in everything(examples) if not page.action and not page.query]
    return [page for page in pages if page.key not in ("login", "logout") and not page.key.endswith("_delete")]


# The apps in the admin, and a name for its other pages. A test of each runs in parallel with the others.
APPS = [*sorted({model._meta.app_label for model in site._registry}), "other"]


def app_of(page: Try) -> str:
    app = page.url.removeprefix("/admin/").split("/")[0]
    return app if app in APPS else "other"


@pytest.fixture
def hostile(transactional_db: None) -> Hostile:
    """In a transaction, some requests would not fail: a lock outside one is an error."""
    return Hostile()


@pytest.fixture
def examples(hostile: Hostile) -> Examples:
    return make_examples()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestOddRequests:
    def test_ids_in_addresses(self, hostile: Hostile, examples: Examples) -> None:
        for address in addresses(site.get_urls()):
            for odd in ODD:
                url = re.sub(r"<[^>]+>", odd, address)
                hostile.get(url)
                hostile.post(url, "post=yes")

        assert hostile.faults == [], "\n".join(hostile.faults)

    @pytest.mark.parametrize("app", APPS)
    def test_queries_of_pages(self, hostile: Hostile, examples: Examples, app: str) -> None:
        pages = [page for page in forms_of(examples) if app_of(page) == app]
        for page in pages:
            for query in QUERIES:
                hostile.get(f"{page.url}?{query}")
                hostile.post(f"{page.url}?{query}", query)

        assert pages
        assert hostile.faults == [], "\n".join(hostile.faults)

    @pytest.mark.parametrize("app", APPS)
    def test_fields_of_forms(self, hostile: Hostile, examples: Examples, app: str) -> None:
        pages = [page for page in forms_of(examples) if app_of(page) == app]
        for page in pages:
            answer = hostile.get(page.url)
            is_form = answer.status_code == 200 and answer["Content-Type"].startswith("text/html")
            opened = fields(answer) if is_form else {}
            for name, odd in zip(opened, cycle(WORST), strict=False):
                others = body_of({other: value for other, value in opened.items() if other != name})
                hostile.post(page.url, f"{others}&{name}={odd}")
                if page.key.endswith("_add"):
                    hostile.get(f"{page.url}?{name}={odd}")
            for odd in WORST:
                hostile.post(page.url, "&".join(f"{name}={odd}" for name in opened))

        assert pages
        assert hostile.faults == [], "\n".join(hostile.faults)

    def test_actions(self, hostile: Hostile, examples: Examples) -> None:
        tried = [page for page in everything(examples) if page.action]
        for page in tried:
            for name in (page.action["action"], *FEW):
                # What reads the ids is the same for every name.
                for odd in ODD if name == page.action["action"] else WORST:
                    hostile.post(page.url, f"action={name}&_selected_action={odd}")
                for odd in FEW:
                    hostile.post(page.url, f"action={name}&_selected_action=1&index={odd}")
                    hostile.post(page.url, f"action={name}&_selected_action=1&index=0&select_across={odd}")

        assert len(tried) > 5
        assert hostile.faults == [], "\n".join(hostile.faults)

    def test_filters(self, hostile: Hostile, examples: Examples) -> None:
        for model, model_admin in site._registry.items():
            named = [str(getattr(each, "parameter_name", "")) for each in model_admin.list_filter]
            for name in [*PARAMETERS, *filter(None, named)]:
                for odd in FEW if name in ("q", "o", *named) else WORST:
                    hostile.get(f"{list_of(model)}?{name}={odd}")
        for model, name in columns().values():
            for lookup in LOOKUPS:
                for odd in FEW:
                    hostile.get(f"{list_of(model)}?{name}{lookup}={odd}")

        assert hostile.faults == [], "\n".join(hostile.faults)

    def test_autocompletes(self, hostile: Hostile, examples: Examples) -> None:
        url = reverse("admin:autocomplete")
        for model in apps.get_models():
            for field in model._meta.get_fields():
                names = {"app_label": model._meta.app_label, "model_name": str(model._meta.model_name)}
                hostile.get(f"{url}?{body_of(names | {'field_name': field.name})}")
        valid = {"app_label": "tickets", "model_name": "ticket", "field_name": "project", "term": "a", "page": "1"}
        assert hostile.get(f"{url}?{body_of(valid)}").status_code == 200
        for name in valid:
            others = body_of({other: value for other, value in valid.items() if other != name})
            for odd in ODD:
                hostile.get(f"{url}?{others}&{name}={odd}")

        assert hostile.faults == [], "\n".join(hostile.faults)


class TestAnswers:
    @pytest.mark.parametrize(
        ("address", "status"),
        [
            ("r/1/1/", 404),
            ("r/abc/%00/", 404),
            ("autocomplete/?app_label=accounts&model_name=user&field_name=tickets", 404),
            ("autocomplete/?app_label=accounts&model_name=user&field_name=name", 404),
            ("autocomplete/?app_label=accounts&model_name=user&field_name=nothing", 404),
            ("autocomplete/?app_label=nothing&model_name=user&field_name=tickets", 404),
            ("autocomplete/", 404),
        ],
    )
    def test_of_pages_that_cannot_exist(self, admin: User, address: str, status: int) -> None:
        assert Browser(admin).get(f"/admin/{address}").status_code == status

    @pytest.mark.parametrize("action", ["export", "assign_user", "set_status", "nothing"])
    @pytest.mark.parametrize("odd", ["abc", "\0", "1e3", str(10**30), "x" * 5000])
    def test_of_actions_on_unreadable_ids_are_400(self, admin: User, action: str, odd: str) -> None:
        answer = Browser(admin).post(list_of(Ticket), {"action": action, "_selected_action": ["1", odd]})

        assert answer.status_code == 400
        assert "could not read this request" in answer.content.decode()

    def test_of_an_unreadable_key_of_a_form_is_400(self, admin: User) -> None:
        assert Browser(admin).post("/admin/sla/slapolicy/%00/change/", {"hours": 1}).status_code == 400

    @pytest.mark.slow
    @pytest.mark.database
    def test_of_a_form_whose_row_stays_locked_is_503(self, transactional_db: None) -> None:
        browser, holder = Browser(make_user(type=UserType.ADMIN)), connection.copy()
        try:
            with holder.cursor() as cursor, connection.cursor() as ours:
                cursor.execute("BEGIN; SELECT FROM sla_slapolicy FOR UPDATE")
                ours.execute("SET lock_timeout = '100ms'")
                answer = browser.submit("/admin/sla/slapolicy/high/change/", hours=2)
        finally:
            holder.close()
            connection.close()

        assert (answer.status_code, answer["Retry-After"]) == (503, "1")
        assert Busy.message in answer.content.decode()
