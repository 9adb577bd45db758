"""Every single record has a version and an `ETag`, and every change of it honours `If-Match`.

Walks over the whole schema, so that a new call cannot be forgotten. The calls' own tests are in each app.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from events.tests.factories import book, make_event
from kit.tests.openapi import COMPONENTS, OPERATIONS
from projects.tests.factories import make_project
from tickets.tests.factories import make_ticket
from webhooks.tests.factories import make_webhook

SignedIn = Callable[[User], APIClient]

ID = re.compile(r"{(\w+)}")
TAG = re.compile(r'"([0-9]+)-[0-9a-f]{16}"')
# A delivery of a webhook is a record of what happened, and has no versions.
READS = [
    name
    for name, each in OPERATIONS.items()
    if each["method"] == "get" and each["path"].endswith("}") and name != "getWebhookDelivery"
] + ["getCurrentUser"]
# These add a record of their own, or take it away again, and leave the one in their path as it is.
ADDITIONS = {"addComment", "createBooking", "watchTicket", "unwatchTicket", "checkIn", "undoCheckIn"}
ADDITIONS |= {"testWebhook", "retryWebhookDelivery"}
# Saved filters and API keys have no versions: only their owner changes them.
UNVERSIONED = {"replaceFilter", "deleteFilter", "revokeApiKey"}
CHANGES = [
    name
    for name, each in OPERATIONS.items()
    if each["method"] != "get" and ID.search(each["path"]) and name not in ADDITIONS | UNVERSIONED
]
CREATIONS = ["createTicket", "createProjectTicket", "createProject", "createEvent", "createBooking"]


@pytest.fixture
def ids(admin: User, owner: User) -> dict[str, int]:
    """One record of each kind, by the name of its path parameter."""
    event = make_event(admin)
    return {
        "ticketId": make_ticket(owner).pk,
        "projectId": make_project().pk,
        "userId": make_user().pk,
        "eventId": event.pk,
        "bookingId": book(event, owner).pk,
        "webhookId": make_webhook(by=admin).pk,
    }


def send(client: APIClient, name: str, ids: dict[str, int], body: dict[str, Any], **headers: str) -> Any:
    operation = OPERATIONS[name]
    call = getattr(client, operation["method"])
    return call(operation["path"].format(**ids), body, headers=headers)


def media_of(part: dict[str, Any]) -> dict[str, Any]:
    media: dict[str, Any] = part["content"]["application/json"]
    return media


def properties_of(part: dict[str, Any]) -> dict[str, Any]:
    name = media_of(part)["schema"]["$ref"].removeprefix("#/components/schemas/")
    properties: dict[str, Any] = COMPONENTS["schemas"][name]["properties"]
    return properties


def example_body(name: str) -> dict[str, Any]:
    """Return the call's example body without a version."""
    if "requestBody" not in OPERATIONS[name]:
        return {}
    (example,) = media_of(OPERATIONS[name]["requestBody"])["examples"].values()
    return {key: value for key, value in example["value"].items() if key != "version"}


def address_of(path: str) -> str:
    """Return the path of the record that a call changes: everything up to its id."""
    return path[: path.index("}") + 1]


class TestReads:
    @pytest.mark.parametrize("name", READS)
    def test_have_a_version_and_a_tag(self, name: str, ids: dict[str, int], admin: User, signed_in: SignedIn) -> None:
        response = send(signed_in(admin), name, ids, {})

        match = TAG.fullmatch(response.headers.get("ETag", ""))
        assert response.status_code == 200
        assert match, response.headers
        assert int(match[1]) == response.json()["version"] == 1

    @pytest.mark.parametrize("name", READS)
    def test_are_304_for_the_same_tag(self, name: str, ids: dict[str, int], admin: User, signed_in: SignedIn) -> None:
        client = signed_in(admin)
        tag = send(client, name, ids, {}).headers.get("ETag", "")

        answers = [send(client, name, ids, {}, **{"If-None-Match": each}) for each in (tag, f'"0", W/{tag[:-1]}-gzip"')]

        assert [(each.status_code, each.content, each.headers.get("ETag")) for each in answers] == [(304, b"", tag)] * 2

    @pytest.mark.parametrize("name", READS)
    def test_are_described(self, name: str) -> None:
        answer = OPERATIONS[name]["responses"]["200"]

        assert "ETag" in answer["headers"]
        assert "version" in properties_of(answer)

    @pytest.mark.parametrize("name", CREATIONS)
    def test_creations_are_described_alike(self, name: str) -> None:
        answer = OPERATIONS[name]["responses"]["201"]

        assert "ETag" in answer["headers"]
        assert "version" in properties_of(answer)


class TestCreations:
    @pytest.mark.parametrize("name", ["createProject", "createEvent", "createTicket"])
    @pytest.mark.parametrize("version", [None, 7])
    def test_begin_with_version_1(self, name: str, version: int | None, admin: User, signed_in: SignedIn) -> None:
        created = send(signed_in(admin), name, {}, example_body(name) | {"version": version, "createdBy": None})

        assert (created.status_code, created.json()["version"]) == (201, 1)


class TestChanges:
    @pytest.mark.parametrize("name", CHANGES)
    def test_are_412_for_another_version(
        self, name: str, ids: dict[str, int], admin: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(admin)

        for header in ('"7-0123456789abcdef"', "bogus", "", '"0"', '"1', '"x", "2"'):
            refused = send(client, name, ids, example_body(name), **{"If-Match": header})

            assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed"), header

    @pytest.mark.parametrize("name", CHANGES)
    @pytest.mark.parametrize("written", ["{}", '"9", W/{}', "*"])
    def test_pass_for_the_current_version(
        self, name: str, written: str, ids: dict[str, int], admin: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(admin)
        tag = client.get(address_of(OPERATIONS[name]["path"]).format(**ids)).headers.get("ETag", "")

        response = send(client, name, ids, example_body(name), **{"If-Match": written.format(tag)})

        assert response.status_code != 412

    @pytest.mark.parametrize("name", CHANGES)
    def test_read_tags_with_a_suffix(self, name: str, ids: dict[str, int], admin: User, signed_in: SignedIn) -> None:
        tag = '"{}-0123456789abcdef-gzip"'

        refused, passed = (
            send(signed_in(admin), name, ids, example_body(name), **{"If-Match": tag.format(version)})
            for version in (2, 1)
        )

        assert refused.status_code == 412
        assert passed.status_code != 412

    @pytest.mark.parametrize("name", [name for name in CHANGES if OPERATIONS[name]["method"] != "delete"])
    def test_are_409_for_another_version_in_the_body(
        self, name: str, ids: dict[str, int], admin: User, signed_in: SignedIn
    ) -> None:
        client, body = signed_in(admin), example_body(name) | {"version": 7}

        refused = send(client, name, ids, body)
        by_header = send(client, name, ids, body, **{"If-Match": '"1"'})

        assert (refused.status_code, refused.json()["code"]) == (409, "version_conflict")
        assert by_header.json().get("code") not in ("version_conflict", "precondition_failed")

    @pytest.mark.parametrize("name", CHANGES)
    def test_are_described(self, name: str) -> None:
        operation = OPERATIONS[name]
        headers = {each["name"] for each in operation["parameters"] if each["in"] == "header"}

        assert "If-Match" in headers
        assert "precondition_failed" in operation["responses"]["412"]["content"]["application/problem+json"]["examples"]
        if operation["method"] != "delete":
            assert "version" in properties_of(operation["requestBody"])
            conflicts = operation["responses"]["409"]["content"]["application/problem+json"]["examples"]
            assert "version_conflict" in conflicts
