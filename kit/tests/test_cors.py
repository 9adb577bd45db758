"""Pages of an allowed origin can read every response, however early it is refused."""

from typing import Any

import pytest
from django.conf import settings as configured
from rest_framework.test import APIClient

from kit.web.server import HEADERS_TOO_LARGE, INCOMPLETE, REFUSAL, TOO_LARGE, TOO_SLOW, URL_TOO_LONG

pytestmark = pytest.mark.django_db

ORIGIN = "https://app.example.com"
PATHS = ["/tickets", "/nothing", "/book", "/api/v1/booking", "/api/tickets"]


@pytest.fixture(autouse=True)
def allowed_origin(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]


@pytest.fixture
def page() -> APIClient:
    return APIClient(headers={"Origin": ORIGIN}, raise_request_exception=False)


def is_readable(answer: Any, status: int) -> bool:
    assert answer.status_code == status
    assert answer["Content-Type"] in ("application/problem+json", "application/json")
    assert answer["X-Request-ID"]
    return bool(answer.headers.get("Access-Control-Allow-Origin") == ORIGIN)


@pytest.mark.parametrize("path", PATHS)
class TestRefusals:
    @pytest.mark.parametrize("refusal", [INCOMPLETE, TOO_SLOW, TOO_LARGE, URL_TOO_LONG, HEADERS_TOO_LARGE])
    def test_by_the_server_can_be_read(self, page: APIClient, path: str, refusal: int) -> None:
        extra: Any = {REFUSAL: refusal}

        assert is_readable(page.post(path, {}, **extra), refusal)

    def test_of_a_host_can_be_read(self, page: APIClient, path: str) -> None:
        assert is_readable(page.post(path, {}, HTTP_HOST="evil.example"), 400)

    def test_of_a_host_can_be_read_if_http_redirects_to_https(self, page: APIClient, path: str, settings: Any) -> None:
        settings.SECURE_SSL_REDIRECT = True

        assert is_readable(page.post(path, {}, HTTP_HOST="evil.example"), 400)

    def test_of_a_body_without_length_can_be_read(self, page: APIClient, path: str) -> None:
        assert is_readable(page.post(path, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked"), 411)

    def test_of_a_long_body_can_be_read(self, page: APIClient, path: str) -> None:
        length = str((configured.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) + 1)

        assert is_readable(page.post(path, {}, CONTENT_LENGTH=length), 413)

    @pytest.mark.parametrize("headers", [{}, {"HTTP_HOST": "evil.example"}, {REFUSAL: URL_TOO_LONG}])
    def test_leave_preflights_alone(self, page: APIClient, path: str, headers: dict[str, Any]) -> None:
        answer = page.options(path, HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST", **headers)

        assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, ORIGIN)


class TestErrors:
    @pytest.mark.parametrize(("path", "status"), [("/faulty-outside-drf", 500), ("/suspicious-outside-drf", 400)])
    def test_outside_our_views_can_be_read(self, page: APIClient, settings: Any, path: str, status: int) -> None:
        settings.ROOT_URLCONF = "kit.tests.urls"

        assert is_readable(page.get(path), status)

    def test_of_rate_limits_can_be_read(self, page: APIClient, settings: Any) -> None:
        settings.RATE_LIMITS, settings.RATE_LIMIT = True, "1/hour"
        page.get("/tickets")

        assert is_readable(page.get("/tickets"), 429)

    def test_stay_unreadable_to_other_origins(self) -> None:
        answer = APIClient(headers={"Origin": "https://evil.example"}).get("/tickets", HTTP_HOST="evil.example")

        assert "Access-Control-Allow-Origin" not in answer
