"""Document 004 as a whole: its calls in order, then errors that concern every call."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from contracts.tests.helpdesk_document import (
    CONFLICT,
    DUPLICATE,
    KEY,
    LOGIN,
    REGISTER,
    TICKET,
    assert_error,
    contains,
)
from tickets import services
from tickets.models import Ticket

pytestmark = pytest.mark.django_db


class TestDocument:
    def test_works_from_its_first_call_to_its_last(self) -> None:
        client = APIClient()

        # 1. Authentication
        response = client.post("/api/auth/register", REGISTER)
        user = User.objects.get(email="testuser@example.com")
        assert response.status_code == 201
        assert response.json() == {
            "message": "User registered successfully",
            "user": {"_id": str(user.pk), "name": "Hackathon User", "email": "testuser@example.com"},
        }
        response = client.post("/api/auth/login", LOGIN)
        assert response.status_code == 200
        assert list(response.json()) == ["token"]
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {response.json()['token']}")

        # 2. Tickets
        response = client.post("/api/tickets", TICKET, headers={"Idempotency-Key": KEY})
        created = response.json()
        assert response.status_code == 201
        assert contains(created, TICKET | {"status": "open", "version": 1})
        assert isinstance(created["_id"], str)
        assert datetime.fromisoformat(created["sla_due"]) - datetime.fromisoformat(created["created_at"]) == timedelta(
            hours=4
        )
        again = client.post("/api/tickets", TICKET, headers={"Idempotency-Key": KEY})
        assert (again.status_code, again.json()) == (409, DUPLICATE)

        shown = {key: created[key] for key in ("_id", "title", "status", "priority", "sla_due")}
        response = client.get("/api/tickets?limit=20&offset=0")
        assert response.status_code == 200
        assert list(response.json()) == ["items", "next_offset"]
        assert contains(response.json(), {"items": [shown], "next_offset": None})

        path = f"/api/tickets/{created['_id']}"
        response = client.get(path)
        assert response.status_code == 200
        assert contains(response.json(), {"_id": created["_id"], **TICKET, "status": "open", "comments": []})

        response = client.patch(path, {"status": "in_progress"}, headers={"If-Match": "1"})
        changed = {"_id": created["_id"], "status": "in_progress", "version": 2}
        assert response.status_code == 200
        assert contains(response.json(), {"message": "Ticket updated successfully", "ticket": changed, **changed})
        conflict = client.patch(path, {"status": "closed"}, headers={"If-Match": "1"})
        assert (conflict.status_code, conflict.json()) == (409, CONFLICT)

        # 3. Comments
        response = client.post(f"{path}/comments", {"message": "We are working on this issue."})
        commented = {"_id": created["_id"], "comments": [{"message": "We are working on this issue."}]}
        assert response.status_code == 201
        assert list(response.json()) == ["message", "ticket"]
        assert contains(response.json(), {"message": "Comment added successfully", "ticket": commented})
        assert contains(client.get(path).json(), commented)

        # 4. and 5. SLA tracking, breached tickets
        assert client.get("/api/tickets?status=breached").json()["items"] == []
        Ticket.objects.update(sla_due_at=timezone.now() - timedelta(seconds=1))
        breached = client.get("/api/tickets?status=breached").json()["items"]
        assert [item["_id"] for item in breached] == [created["_id"]]


class TestErrors:
    """Every error under /api has the same shape."""

    @pytest.mark.parametrize(
        "path", ["/api", "/api/", "/api/nothing", "/api/tickets/", "/api/tickets/abc", "/api/auth/me", "/api//tickets"]
    )
    @pytest.mark.parametrize("method", ["get", "post", "delete"])
    def test_for_unknown_paths(self, anonymous: APIClient, path: str, method: str) -> None:
        assert_error(getattr(anonymous, method)(path), 404, "NOT_FOUND")

    @pytest.mark.parametrize(
        ("method", "path", "allow"),
        [
            ("get", "/api/auth/login", "POST, OPTIONS"),
            ("put", "/api/auth/register", "POST, OPTIONS"),
            ("delete", "/api/tickets", "GET, POST, HEAD, OPTIONS"),
            ("delete", "/api/tickets/1", "GET, PATCH, HEAD, OPTIONS"),
            ("put", "/api/tickets/1", "GET, PATCH, HEAD, OPTIONS"),
            ("get", "/api/tickets/1/comments", "POST, OPTIONS"),
            ("post", "/api/health", "GET, HEAD, OPTIONS"),
        ],
    )
    def test_for_wrong_methods(self, owner_api: APIClient, method: str, path: str, allow: str) -> None:
        response = getattr(owner_api, method)(path)

        assert_error(response, 405, "METHOD_NOT_ALLOWED")
        assert response["Allow"] == allow

    @pytest.mark.parametrize(
        ("path", "allow"),
        [
            ("/api/tickets", "GET, POST, HEAD, OPTIONS"),
            ("/api/tickets/1", "GET, PATCH, HEAD, OPTIONS"),
            ("/api/tickets/1/comments", "POST, OPTIONS"),
        ],
    )
    def test_for_wrong_methods_even_without_a_token(self, anonymous: APIClient, path: str, allow: str) -> None:
        response = anonymous.put(path)

        assert_error(response, 405, "METHOD_NOT_ALLOWED")
        assert response["Allow"] == allow

    @pytest.mark.parametrize("path", ["/api/auth/register", "/api/auth/login", "/api/tickets"])
    @pytest.mark.parametrize("body", ["{", "[]", '"x"', "1", '{"title": NaN}', b"\xff", '{"title": "\\ud800"}'])
    def test_for_a_body_that_is_not_a_json_object(self, owner_api: APIClient, path: str, body: Any) -> None:
        assert_error(owner_api.generic("POST", path, body, "application/json"), 400, "INVALID_JSON")

    def test_for_other_content_types(self, owner_api: APIClient) -> None:
        assert_error(owner_api.generic("POST", "/api/tickets", "title=x", "text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE")

    def test_for_an_oversized_body(self, owner_api: APIClient) -> None:
        body = orjson.dumps({"title": "x" * 1024 * 1024}).decode()

        assert_error(owner_api.generic("POST", "/api/tickets", body, "application/json"), 413, "REQUEST_TOO_LARGE")

    def test_for_an_unknown_host(self, owner_api: APIClient) -> None:
        assert_error(owner_api.get("/api/tickets", headers={"Host": "elsewhere.example.com"}), 400, "UNKNOWN_HOST")

    @pytest.mark.parametrize(
        ("method", "path"),
        [("get", "/api/tickets"), ("post", "/api/tickets"), ("get", "/api/tickets/1"), ("patch", "/api/tickets/1")],
    )
    def test_for_missing_and_invalid_tokens(self, anonymous: APIClient, method: str, path: str) -> None:
        missing = getattr(anonymous, method)(path)
        invalid = getattr(anonymous, method)(path, headers={"Authorization": "Bearer made.up.token"})

        assert_error(missing, 401, "UNAUTHORIZED")
        assert_error(invalid, 401, "INVALID_TOKEN")
        assert missing["WWW-Authenticate"] == invalid["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize("path", ["/api/tickets", "/api/auth/login"])
    def test_for_exceeded_rate_limits(self, owner_api: APIClient, rate_limits: Any, path: str) -> None:
        rate_limits.RATE_LIMIT = rate_limits.RATE_LIMIT_SIGN_IN = "2/minute"

        responses = [owner_api.post(path, {}) for _ in range(3)]

        assert [response.status_code for response in responses[:2]] == [400, 400]
        assert_error(responses[2], 429, "RATE_LIMIT")
        assert int(responses[2]["Retry-After"]) > 0

    def test_for_an_exceeded_rate_limit_of_sign_ups(self, anonymous: APIClient, rate_limits: Any) -> None:
        rate_limits.RATE_LIMIT_GUEST = "1/minute"

        responses = [anonymous.post("/api/auth/register", {}) for _ in range(2)]

        assert responses[0].status_code == 400
        assert_error(responses[1], 429, "RATE_LIMIT")

    def test_for_unexpected_errors(self, owner: User, crash: Callable[[Any, str], None]) -> None:
        crash(services, "create")
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(owner).access}")

        response = client.post("/api/tickets", TICKET)

        assert_error(response, 500, "UNEXPECTED")
        assert b"1-2-3-4-5" not in response.content


class TestHealth:
    def test_is_public(self, anonymous: APIClient) -> None:
        response = anonymous.get("/api/health")

        assert (response.status_code, response.json()) == (200, {"status": "ok"})


class TestPrefix:
    def test_leaves_api_v1_to_document_003(self, anonymous: APIClient) -> None:
        for path in ("/api/v1", "/api/v1/event", "/api/v1/nothing"):
            assert "error" not in anonymous.get(path).json() or anonymous.get(path).json()["error"] is True

    def test_includes_longer_names(self, anonymous: APIClient) -> None:
        assert_error(anonymous.get("/api/v10"), 404, "NOT_FOUND")
