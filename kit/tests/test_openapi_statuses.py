"""Every status that a call answers is described, with the body that it has."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from django.http import HttpResponse
from rest_framework.test import APIClient

from accounts.models import User
from kit.tests.openapi import OPERATIONS, faults

PROBLEM_JSON = "application/problem+json"
WITH_BODY = [name for name, operation in OPERATIONS.items() if "requestBody" in operation]
# One call of each kind: without and with a token, with and without a body.
SAMPLES = ["signIn", "createUser", "createBooking", "createTicket", "updateTicket", "assignUser", "changePassword"]


def send(client: APIClient, name: str, body: str = "{}", **headers: Any) -> HttpResponse:
    operation = OPERATIONS[name]
    in_path = {each["name"]: each["example"] for each in operation.get("parameters", []) if each["in"] == "path"}
    return client.generic(
        operation["method"].upper(),
        operation["path"].format(**in_path),
        body,
        **{"content_type": "application/json", **headers},
    )


def assert_described(name: str, response: HttpResponse, status: int) -> None:
    """Check that the response has this status, and a body, a content type and headers as described for it."""
    assert response.status_code == status, response.content
    described = OPERATIONS[name]["responses"][str(status)]
    media = described["content"][response["Content-Type"]]
    assert faults(json.loads(response.content), media["schema"]) == []
    required = {header for header, each in described["headers"].items() if each.get("required")}
    assert required <= set(response.headers)


@pytest.mark.django_db
@pytest.mark.usefixtures("fresh_rate_limits")
class TestRefusals:
    @pytest.mark.parametrize("name", SAMPLES)
    def test_of_bodies_are_described(
        self, name: str, owner: User, signed_in: Callable[[User], APIClient], settings: Any
    ) -> None:
        client = signed_in(owner)
        too_long = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1

        assert_described(name, send(client, name, "{"), 400)
        assert_described(name, send(client, name, "[]"), 400)
        assert_described(name, send(client, name, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked"), 411)
        assert_described(name, send(client, name, CONTENT_LENGTH=str(too_long)), 413)
        assert_described(name, send(client, name, content_type="text/plain"), 415)

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_of_hosts_and_tokens_are_described(self, name: str, anonymous: APIClient) -> None:
        assert_described(name, send(anonymous, name, HTTP_HOST="other.example"), 400)
        if OPERATIONS[name]["security"]:
            assert_described(name, send(anonymous, name, HTTP_AUTHORIZATION="Bearer rubbish"), 401)

    @pytest.mark.parametrize("name", ["listEvents", "listTickets", "signIn", "getTicket", "createBooking"])
    def test_of_a_rate_limit_are_described(
        self, name: str, owner: User, signed_in: Callable[[User], APIClient], settings: Any
    ) -> None:
        settings.RATE_LIMITS = True
        settings.RATE_LIMIT = settings.RATE_LIMIT_SIGN_IN = "1/minute"
        client = signed_in(owner)
        send(client, name)

        assert_described(name, send(client, name), 429)


class TestStatuses:
    @pytest.mark.parametrize("name", OPERATIONS)
    def test_of_the_server_are_described(self, name: str) -> None:
        responses = OPERATIONS[name]["responses"]

        assert "unknown_host" in responses["400"]["content"][PROBLEM_JSON]["examples"]
        assert list(responses["500"]["content"][PROBLEM_JSON]["examples"]) == ["unexpected"]

    @pytest.mark.parametrize("name", WITH_BODY)
    def test_of_bodies_are_described(self, name: str) -> None:
        assert {"400", "408", "411", "413", "415"} <= set(OPERATIONS[name]["responses"])

    @pytest.mark.parametrize("name", [name for name, each in OPERATIONS.items() if "{" in each["path"]])
    def test_of_records_include_404(self, name: str) -> None:
        assert "404" in OPERATIONS[name]["responses"]

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_of_conditional_requests_are_described(self, name: str) -> None:
        responses, parameters = OPERATIONS[name]["responses"], OPERATIONS[name].get("parameters", [])
        conditions = {parameter["name"] for parameter in parameters if parameter["in"] == "header"}

        assert ("304" in responses) == ("If-None-Match" in conditions)
        assert ("412" in responses) == ("If-Match" in conditions)

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_of_errors_have_problems_as_bodies(self, name: str) -> None:
        errors = {status: each for status, each in OPERATIONS[name]["responses"].items() if int(status) >= 400}

        for status, response in errors.items():
            assert list(response["content"]) == [PROBLEM_JSON]
            for example in response["content"][PROBLEM_JSON]["examples"].values():
                assert example["value"]["status"] == int(status)
                assert example["value"]["title"] == HTTPStatus(int(status)).phrase
