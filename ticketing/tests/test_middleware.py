"""The API, pages and the admin each have middleware of their own, which is complete."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import checks
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils.module_loading import import_string
from rest_framework.test import APIClient

from accounts.models import User
from kit.web.branches import AdminOnly, ApiOrPages
from ticketing import middleware

# The checks that only see MIDDLEWARE.
SILENCED = {
    *("admin.E408", "admin.E409", "admin.E410", "axes.W002"),
    *("security.W001", "security.W002", "security.W003"),
}


class TestChecks:
    def test_accept_the_lists_together(self, settings: Any) -> None:
        settings.MIDDLEWARE = [*middleware.ALL, *middleware.PAGES, *middleware.ADMIN]
        settings.SILENCED_SYSTEM_CHECKS = []

        found = {message.id for message in checks.run_checks(include_deployment_checks=True)}

        assert found & SILENCED == set()

    def test_are_silenced_only_if_they_miss_what_is_there(self, settings: Any) -> None:
        """Each of them objects to MIDDLEWARE alone."""
        settings.SILENCED_SYSTEM_CHECKS = []

        found = {message.id for message in checks.run_checks(include_deployment_checks=True)}

        assert found >= SILENCED


class Recording:
    """Middleware that notes each call."""

    name = "outer"
    calls: list[str] = []

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.calls.append(f"{self.name} in")
        response = self.get_response(request)
        self.calls.append(f"{self.name} out")
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        self.calls.append(f"{self.name} view")
        return HttpResponse(self.name) if self.name in request.GET else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        self.calls.append(f"{self.name} exception")
        return HttpResponse(self.name) if self.name in request.GET else None


class Inner(Recording):
    name = "inner"


@pytest.fixture
def recorded(settings: Any) -> AdminOnly:
    Recording.calls.clear()
    settings.ADMIN_MIDDLEWARE = [f"{__name__}.Recording", f"{__name__}.Inner"]
    return AdminOnly(lambda request: HttpResponse("view"))


class TestAdminOnly:
    def test_runs_the_list_in_order(self, recorded: AdminOnly, rf: RequestFactory) -> None:
        recorded(rf.get("/admin/"))

        assert Recording.calls == ["outer in", "inner in", "inner out", "outer out"]

    def test_calls_view_hooks_in_order_until_one_responds(self, recorded: AdminOnly, rf: RequestFactory) -> None:
        assert recorded.process_view(rf.get("/admin/"), None, [], {}) is None
        assert recorded.process_view(rf.get("/admin/?outer"), None, [], {}).content == b"outer"  # type: ignore[union-attr]

        assert Recording.calls == ["outer view", "inner view", "outer view"]

    def test_calls_exception_hooks_in_reverse(self, recorded: AdminOnly, rf: RequestFactory) -> None:
        assert recorded.process_exception(rf.get("/admin/"), ValueError()) is None
        assert recorded.process_exception(rf.get("/admin/?inner"), ValueError()).content == b"inner"  # type: ignore[union-attr]

        assert Recording.calls == ["inner exception", "outer exception", "inner exception"]

    @pytest.mark.parametrize("path", ["/tickets?outer", "/admin?outer", "/auth/login?outer"])
    def test_is_skipped_elsewhere(self, recorded: AdminOnly, rf: RequestFactory, path: str) -> None:
        request = rf.get(path)

        assert recorded(request).content == b"view"  # type: ignore[attr-defined]
        assert recorded.process_view(request, None, [], {}) is None
        assert recorded.process_exception(request, ValueError()) is None
        assert Recording.calls == []

    @pytest.mark.parametrize("path", middleware.ADMIN)
    def test_needs_no_hook_that_it_does_not_call(self, path: str) -> None:
        assert not hasattr(import_string(path), "process_template_response")


class TestApiOrPages:
    @pytest.fixture
    def chains(self, settings: Any) -> ApiOrPages:
        Recording.calls.clear()
        settings.API_MIDDLEWARE, settings.PAGE_MIDDLEWARE = [f"{__name__}.Recording"], [f"{__name__}.Inner"]
        return ApiOrPages(lambda request: HttpResponse("view"))

    @pytest.mark.parametrize("path", ["/tickets", "/tickets/7", "/api/v1/event", "/api/unknown", "/healthz", "/login"])
    def test_runs_the_middleware_of_the_api(self, chains: ApiOrPages, rf: RequestFactory, path: str) -> None:
        chains(rf.get(path))

        assert Recording.calls == ["outer in", "outer out"]

    @pytest.mark.parametrize("path", ["/", "/docs", "/admin/", "/admin", "/static/kit/admin.css", "/unknown"])
    def test_runs_the_middleware_of_pages(self, chains: ApiOrPages, rf: RequestFactory, path: str) -> None:
        chains(rf.get(path))

        assert Recording.calls == ["inner in", "inner out"]

    @pytest.mark.parametrize("is_secure", [False, True])
    @pytest.mark.parametrize("hsts_seconds", [0, 60])
    @pytest.mark.parametrize("path", ["/healthz", "/tickets", "/auth/unknown", "/api/unknown"])
    def test_secures_both_in_the_same_way(self, settings: Any, path: str, hsts_seconds: int, is_secure: bool) -> None:
        settings.SECURE_HSTS_SECONDS = hsts_seconds
        by_default = headers(path, is_secure=is_secure)
        settings.API_MIDDLEWARE = [name for name in middleware.PAGES if not name.endswith("with_pages")]

        assert by_default == headers(path, is_secure=is_secure)

    def test_redirects_both_to_https(self, settings: Any) -> None:
        settings.SECURE_SSL_REDIRECT = True

        for path in ("/healthz", "/docs"):
            response = Client().get(path)
            assert response.status_code == 301
            assert response.headers["Location"] == f"https://testserver{path}"
            assert response.headers["X-Content-Type-Options"] == "nosniff"


def headers(path: str, *, is_secure: bool) -> dict[str, str]:
    response = Client().get(path, secure=is_secure, headers={"accept-encoding": "gzip"})
    return {name: value for name, value in response.headers.items() if name != "X-Request-ID"}


@pytest.mark.django_db
class TestSessions:
    def test_do_not_sign_in_to_the_api(self, admin: User, client: Any) -> None:
        client.force_login(admin)

        assert client.get("/admin/").status_code == 200
        assert client.get("/auth/me").status_code == 401

    def test_are_not_read_by_the_api(self, anonymous: APIClient, django_assert_num_queries: Any) -> None:
        anonymous.cookies["sessionid"] = "a" * 32

        with django_assert_num_queries(0):
            assert anonymous.get("/healthz").status_code == 200
