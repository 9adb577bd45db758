"""Compressed responses: which, how, and what they mean for caches and conditional requests."""

import gzip
from collections.abc import Callable
from typing import Any, cast

import brotli
import orjson
import pytest
from backports import zstd
from django.http import StreamingHttpResponse
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from events.tests.factories import make_event
from kit.openapi.views import document
from kit.tests.browser import Browser
from kit.tests.test_idempotency import keys_of
from kit.web.compression import MIN_BYTES, TOKEN
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]
DECODERS = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}


@pytest.fixture
def client(signed_in: SignedIn, owner: User) -> APIClient:
    for number in range(5):
        make_ticket(owner, title=f"Ticket {number}", description="The screen stays black. " * 20)
    return signed_in(owner)


def content(answer: Any) -> bytes:
    """Return the body as a client sees it after decoding."""
    text = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return DECODERS[answer["Content-Encoding"]](text)


class TestAnswers:
    @pytest.mark.parametrize(
        ("accepted", "encoding"),
        [
            ("gzip", "gzip"),
            ("gzip, deflate, br, zstd", "zstd"),
            ("gzip, deflate, br", "br"),
            ("gzip, zstd;q=0.5", "gzip"),
            ("zstd;q=0, br;q=0, gzip;q=0.1", "gzip"),
            ("*;q=0, gzip", "gzip"),
        ],
    )
    def test_use_the_encoding_that_the_client_prefers(self, client: APIClient, accepted: str, encoding: str) -> None:
        plain = client.get("/tickets")

        answer = client.get("/tickets", HTTP_ACCEPT_ENCODING=accepted)

        assert answer["Content-Encoding"] == encoding
        assert content(answer) == plain.content
        assert int(answer["Content-Length"]) == len(answer.content) < len(plain.content) / 4

    @pytest.mark.parametrize("accepted", ["", "identity", "compress", "gzip;q=0", "gzip;q=0, *;q=0", ";;,=q"])
    def test_are_plain_if_the_client_accepts_nothing_else(self, client: APIClient, accepted: str) -> None:
        answer = client.get("/tickets", HTTP_ACCEPT_ENCODING=accepted)

        assert "Content-Encoding" not in answer
        assert "accept-encoding" in answer["Vary"].lower()
        assert orjson.loads(answer.content)["items"]

    def test_vary_by_encoding(self, client: APIClient) -> None:
        answer = client.get("/tickets", HTTP_ACCEPT_ENCODING="gzip")

        assert "accept-encoding" in answer["Vary"].lower()

    def test_that_are_small_stay_plain(self, client: APIClient, owner: User) -> None:
        ticket = make_ticket(owner, title="Short")

        answer = client.get(f"/tickets/{ticket.pk}", HTTP_ACCEPT_ENCODING="gzip")

        assert len(answer.content) < MIN_BYTES
        assert "Content-Encoding" not in answer

    def test_that_are_errors_are_compressed(self, client: APIClient) -> None:
        body = {"title": "Broken", "assignedUsers": ["nobody"] * 50}

        answer = client.post("/ticket", body, HTTP_ACCEPT_ENCODING="gzip")

        assert answer.status_code == 400
        assert orjson.loads(content(answer))["code"]

    def test_that_are_streamed_stay_streamed(self, client: APIClient, owner: User) -> None:
        for _ in range(3):
            make_ticket(owner, description="x" * 2000)
        plain = b"".join(cast("StreamingHttpResponse", client.get("/tickets/export")))

        answer = client.get("/tickets/export", HTTP_ACCEPT_ENCODING="zstd")

        assert answer.streaming
        assert "Content-Length" not in answer
        assert content(answer) == plain

    def test_include_the_description_and_the_admin(self, anonymous: APIClient, admin: User) -> None:
        for answer in (
            anonymous.get("/schema", HTTP_ACCEPT_ENCODING="gzip"),
            Browser(admin).get("/admin/", HTTP_ACCEPT_ENCODING="gzip"),
        ):
            assert len(content(answer)) > MIN_BYTES


class TestTokens:
    @pytest.fixture(autouse=True)
    def no_minimum(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kit.web.compression.MIN_BYTES", 1)

    def test_of_guests_are_not_compressed(self, anonymous: APIClient, admin: User) -> None:
        body = {"guest": {"firstName": "Greta", "lastName": "Guest", "email": "greta@example.com"}}

        answer = anonymous.post(f"/events/{make_event(admin).pk}/bookings", body, HTTP_ACCEPT_ENCODING="gzip")

        assert answer.status_code == 201
        assert "Content-Encoding" not in answer
        assert answer.json()["manageToken"]

    @pytest.mark.parametrize("path", ["/auth/login", "/login", "/api/v1/auth/login", "/api/auth/login"])
    def test_of_sign_ins_are_not_compressed(self, anonymous: APIClient, owner: User, path: str) -> None:
        owner.set_password("Sunshine-42")
        owner.save()
        body = {"email": owner.email, "password": "Sunshine-42"}

        answer = anonymous.post(path, body, HTTP_ACCEPT_ENCODING="gzip")

        assert answer.status_code == 200
        assert "Content-Encoding" not in answer
        assert TOKEN.search(answer.content)

    def test_that_are_renewed_are_not_compressed(self, anonymous: APIClient, owner: User) -> None:
        refresh = tokens.issue(owner).refresh

        answer = anonymous.post("/auth/refresh", {"refresh": refresh}, HTTP_ACCEPT_ENCODING="gzip")

        assert answer.status_code == 200
        assert "Content-Encoding" not in answer

    def test_are_only_returned_by_post(self) -> None:
        """GET is compressed without looking for tokens."""
        with_token = {
            f"{method} {path}"
            for path, operations in document()["paths"].items()
            for method, operation in operations.items()
            for answer in operation["responses"].values()
            for content in [answer.get("content", {}).get("application/json", {"schema": {}})]
            if {"token", "refresh", "manageToken"} & set(keys_of(content["schema"]))
        }

        assert {name.split()[0] for name in with_token} == {"post"}


class TestETags:
    """Weak tags compare by their version."""

    @pytest.fixture
    def path(self, owner: User) -> str:
        return f"/tickets/{make_ticket(owner, description='The screen stays black. ' * 100).pk}"

    def test_become_weak(self, client: APIClient, path: str) -> None:
        plain = client.get(path)

        answer = client.get(path, HTTP_ACCEPT_ENCODING="gzip")

        assert answer["ETag"] == f"W/{plain['ETag']}"

    def test_still_give_304(self, client: APIClient, path: str) -> None:
        tag = client.get(path, HTTP_ACCEPT_ENCODING="gzip")["ETag"]

        for accepted in ("gzip", ""):
            answer = client.get(path, HTTP_ACCEPT_ENCODING=accepted, HTTP_IF_NONE_MATCH=tag)

            assert (answer.status_code, answer.content) == (304, b"")
            assert "Content-Encoding" not in answer
            assert "accept-encoding" in answer["Vary"].lower()

    def test_still_guard_changes(self, client: APIClient, path: str) -> None:
        tag = client.get(path, HTTP_ACCEPT_ENCODING="gzip")["ETag"]

        assert client.patch(path, {"title": "New"}, HTTP_IF_MATCH=tag).status_code == 200
        assert client.patch(path, {"title": "Newer"}, HTTP_IF_MATCH=tag).status_code == 412
