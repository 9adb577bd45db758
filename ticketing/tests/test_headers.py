"""Headers of every answer: who may store it, and what a page may load."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.shortcuts import render
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver
from rest_framework.test import APIClient

from accounts import tokens
from accounts.lockout import locked_out_response
from accounts.models import User
from accounts.tests.factories import PASSWORD
from events.tests.factories import book, make_event
from ticketing.tests.pages import everything, make_examples
from ticketing.urls import urlpatterns
from tickets.tests.factories import make_ticket

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


def api_paths(entries: list[Any], prefix: str = "") -> Iterator[str]:
    """Yield a path for every pattern of the API and the contracts; ids are 1."""
    for entry in entries:
        route = str(entry.pattern)
        if isinstance(entry, URLResolver):
            if not route.startswith("admin"):
                yield from api_paths(entry.url_patterns, prefix + route)
        elif isinstance(entry, URLPattern) and not route.startswith(("admin", "^")):
            yield "/" + re.sub(r"<[^>]*>", "1", prefix + route)


PATHS = [*sorted(set(api_paths(urlpatterns))), "/nothing", "/api/nothing", "/api/v1/nothing"]


def inline_parts(page: Any) -> list[str]:
    """Return the scripts, styles and event handlers that a policy without `unsafe-inline` blocks."""
    found = re.findall(
        r"""<script[^>]*>|<style| on(?:click|load|change|submit|input)=|href=["']javascript:""", page.content.decode()
    )
    return [part for part in found if "src=" not in part and "application/json" not in part]


def is_private(response: Any) -> bool:
    expected = "private, no-cache" if "ETag" in response.headers else "no-store"
    return bool(response.headers.get("Cache-Control") == expected)


class TestCacheControl:
    def test_walk_covers_every_contract(self) -> None:
        assert {"/tickets/1", "/bookings/export", "/login", "/api/v1/booking/1", "/api/tickets/1", "/docs"} <= set(
            PATHS
        )

    @pytest.mark.parametrize("path", PATHS)
    def test_keeps_every_answer_to_a_signed_in_caller_private(self, admin: User, path: str) -> None:
        # Gives most of the paths something to show.
        make_ticket(admin)
        book(make_event(admin))
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(admin).access}")

        answers = [(method, getattr(client, method)(path)) for method in METHODS]

        assert [(method, answer.status_code) for method, answer in answers if not is_private(answer)] == []

    def test_of_a_resource_with_a_tag_allows_revalidation(self, owner: User, signed_in: Any) -> None:
        path = f"/tickets/{make_ticket(owner).pk}"
        first = signed_in(owner).get(path)

        again = signed_in(owner).get(path, HTTP_IF_NONE_MATCH=first["ETag"])

        assert (first["Cache-Control"], again.status_code) == ("private, no-cache", 304)
        assert again["Cache-Control"] == "private, no-cache"

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/auth/login", {"email": "{}", "password": PASSWORD}),
            ("/login", {"email": "{}", "password": PASSWORD}),
            ("/api/auth/login", {"email": "{}", "password": PASSWORD}),
            ("/api/v1/auth/login", {"email": "{}", "password": PASSWORD}),
            ("/auth/password/reset", {"email": "{}"}),
        ],
    )
    def test_forbids_storing_tokens(self, owner: User, anonymous: APIClient, path: str, body: dict[str, str]) -> None:
        answer = anonymous.post(path, {key: value.format(owner.email) for key, value in body.items()})

        assert answer.status_code < 300
        assert answer["Cache-Control"] == "no-store"

    def test_forbids_storing_a_guests_token_and_booking(self, admin: User, anonymous: APIClient) -> None:
        guest = {"firstName": "Greta", "lastName": "Guest", "email": "greta@example.com"}
        booked = anonymous.post(f"/events/{make_event(admin).pk}/bookings", {"quantity": 1, "guest": guest})
        path, token = f"/bookings/{booked.json()['id']}", booked.json()["manageToken"]

        shown = anonymous.get(path, HTTP_X_MANAGE_TOKEN=token)
        refused = anonymous.get(path, HTTP_X_MANAGE_TOKEN="wrong")

        assert (booked.status_code, booked["Cache-Control"]) == (201, "no-store")
        assert shown.status_code == 200
        assert is_private(shown)
        assert refused["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("path", ["/", "/healthz", "/schema", "/docs", "/events", "/events/{}/availability"])
    def test_leaves_public_answers_cacheable(self, admin: User, anonymous: APIClient, path: str) -> None:
        answer = anonymous.get(path.format(make_event(admin).pk))

        assert answer.status_code == 200
        assert "Cache-Control" not in answer.headers

    def test_forbids_storing_the_admin(self, superuser: User) -> None:
        client = Client()
        client.force_login(superuser)

        pages = [(page.url, client.get(page.url, page.query)) for page in everything(make_examples())]

        assert len(pages) > 50
        assert [url for url, page in pages if page["Cache-Control"] != "no-store"] == []


class TestContentSecurityPolicy:
    @pytest.mark.parametrize(
        ("path", "accept"), [("/", "text/html"), ("/docs", "*/*"), ("/nothing", "text/html"), ("/docs/", "text/html")]
    )
    @pytest.mark.django_db
    def test_of_pages_allows_files_of_this_site_only(self, anonymous: APIClient, path: str, accept: str) -> None:
        page = anonymous.get(path, HTTP_ACCEPT=accept)

        policy = page["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy)
        assert not any("unsafe" in directive for directive in policy)
        assert page["Content-Type"].startswith("text/html")

    @pytest.mark.parametrize("path", ["/healthz", "/tickets", "/nothing", "/api/tickets", "/"])
    @pytest.mark.django_db
    def test_of_json_allows_nothing(self, anonymous: APIClient, path: str) -> None:
        policy = anonymous.get(path)["Content-Security-Policy"]

        assert policy.startswith("default-src 'none'; frame-ancestors 'none'")
        assert "self" not in policy

    @pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/nothing"])
    def test_of_the_admin_has_no_inline_scripts(self, superuser: User, path: str) -> None:
        client = Client()
        client.force_login(superuser)

        directives = dict(
            directive.split(" ", 1) for directive in client.get(path)["Content-Security-Policy"].split("; ")
        )

        assert directives["script-src"] == "'self' 'unsafe-eval'"
        assert directives["style-src"] == "'self'"

    def test_of_the_admin_blocks_nothing_that_is_in_its_pages(self, superuser: User) -> None:
        client = Client()
        client.force_login(superuser)

        for page in everything(make_examples()):
            assert (page.url, inline_parts(client.get(page.url, page.query))) == (page.url, [])

    def test_blocks_nothing_of_signing_in(self, superuser: User, settings: Any) -> None:
        settings.ADMIN_SECOND_FACTOR = True
        client = Client()
        pages: list[Any] = [client.get("/admin/login/")]
        client.force_login(superuser)
        pages.append(client.get("/admin/second-factor/"))
        request = RequestFactory().get("/admin/login/")
        pages += [locked_out_response(request), render(request, "admin/recovery_codes.html", {"codes": ["1"]})]

        assert [inline_parts(page) for page in pages] == [[]] * 4


class TestRoot:
    def test_lists_addresses_for_programs(self, anonymous: APIClient) -> None:
        answer = anonymous.get("/")

        assert answer.status_code == 200
        assert "Accept" in answer["Vary"]
        assert answer.json() == {
            "docs": "http://testserver/docs",
            "schema": "http://testserver/schema",
            "admin": "http://testserver/admin/",
            "health": "http://testserver/healthz",
        }

    def test_links_to_pages_that_exist(self, anonymous: APIClient, db: None) -> None:
        page = anonymous.get("/", HTTP_ACCEPT="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")

        links = re.findall(r'<a href="([^"]*)"', page.content.decode())
        assert page["Content-Type"] == "text/html; charset=utf-8"
        assert "Accept" in page["Vary"]
        assert links == ["/admin/", "/docs", "/schema", "/healthz"]
        assert all(anonymous.get(link).status_code in (200, 302) for link in links)

    def test_answers_head_like_get(self, anonymous: APIClient) -> None:
        answer = anonymous.head("/")

        assert (answer.status_code, answer.content) == (200, b"")
        assert "Accept" in answer["Vary"]

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_refuses_other_methods_in_json(self, anonymous: APIClient, method: str) -> None:
        answer = getattr(anonymous, method)("/")

        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.django_db
class TestErrorPages:
    BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

    @pytest.mark.parametrize("path", ["/nothing", "/docs/", "/favicon.ico", "/static/nothing.css"])
    def test_are_html_for_browsers(self, anonymous: APIClient, path: str) -> None:
        page = anonymous.get(path, HTTP_ACCEPT=self.BROWSER)

        assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert "There is no page at this address" in page.content.decode()
        assert "Accept" in page["Vary"]
        assert page["X-Request-ID"]

    @pytest.mark.parametrize("accept", ["*/*", "application/json", "", "nonsense"])
    def test_are_json_for_programs(self, anonymous: APIClient, accept: str) -> None:
        answer = anonymous.get("/nothing", HTTP_ACCEPT=accept)

        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
        assert "Accept" in answer["Vary"]

    @pytest.mark.parametrize(
        "path",
        [
            *("/tickets/", "/tickets/0/nothing", "/auth/nothing", "/users/9999999", "/schema/", "/healthz/"),
            *("/login/", "/status/x/y", "/api", "/api/", "/api/nothing", "/api/v1/nothing"),
        ],
    )
    def test_are_json_on_the_apis_paths(self, anonymous: APIClient, path: str) -> None:
        answer = anonymous.get(path, HTTP_ACCEPT=self.BROWSER)

        assert answer.status_code in (401, 404)
        assert "json" in answer["Content-Type"]

    def test_keep_the_headers_of_the_refusal(self, anonymous: APIClient) -> None:
        page = anonymous.delete("/docs", HTTP_ACCEPT=self.BROWSER)

        assert (page.status_code, page["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert page["Content-Type"].startswith("text/html")

    def test_cover_requests_that_reach_no_view(self, anonymous: APIClient) -> None:
        page = anonymous.get("/", HTTP_ACCEPT=self.BROWSER, HTTP_HOST="evil.example.com")

        assert page.status_code == 400
        assert "Unknown host name." in page.content.decode()

    def test_of_the_admin_look_the_same(self, superuser: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(superuser)

        missing, expired = client.get("/admin/nothing/"), client.post("/admin/logout/")

        assert (missing.status_code, expired.status_code) == (404, 403)
        assert "There is no page at this address" in missing.content.decode()
        assert "Nothing was saved." in expired.content.decode()
