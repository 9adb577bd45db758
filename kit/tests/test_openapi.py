"""The API does what its schema says: the schema's own examples are sent to it."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import jsonschema_rs
import orjson
import pytest
from django.conf import settings as configured
from django.urls import URLPattern
from django.utils.html import escape
from drf_spectacular.generators import SchemaGenerator
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from kit import errors
from kit.openapi import page as pages
from kit.openapi.fields import TextExtension
from kit.openapi.page import Reader, prose
from kit.openapi.schema import AutoSchema
from kit.openapi.views import _written, document
from kit.tests.openapi import OPERATIONS
from kit.web.fields import SingleLineField, TextField
from kit.web.problems import describe
from ticketing.urls import CONTRACTS, urlpatterns
from tickets import services

PUBLIC = {name for name, operation in OPERATIONS.items() if {} in operation["security"] or not operation["security"]}


# In document 000's order of precedence.
REFUSALS_OF_ASSIGNING = [
    services.TicketNotFound,
    services.NotAllowed,
    services.TicketClosed,
    services.UserNotFound,
    services.AdminNotAssignable,
    services.AlreadyAssigned,
    services.AssignmentLimitReached,
]


class TestExamples:
    def test_work_in_sequence(self, people: dict[str, User | None]) -> None:
        perform("getHealth")
        new_user = perform("createUser")
        signed_in = perform("signIn")
        me = {"token": perform("renewTokens", refresh=signed_in["refresh"])["token"]}
        perform("getCurrentUser", **me)
        ticket = perform("createTicket", **me, createdBy=new_user["id"])
        perform("createProjectTicket", **me)
        perform("assignUser", **me, ticketId=ticket["id"])
        perform("getTicket", **me, ticketId=ticket["id"])
        perform("listTickets", **me)
        perform("updateTicket", **me, ticketId=ticket["id"], version=2)
        perform("replaceTicket", **me, ticketId=ticket["id"])
        perform("addComment", **me, ticketId=ticket["id"])
        perform("listComments", **me, ticketId=ticket["id"])
        for analytics in ("getTicketAnalytics", "getDashboardAnalytics"):
            perform(analytics, **me, query={"type": "concert"})
        perform("unassignUser", **me, ticketId=ticket["id"])
        admin: dict[str, Any] = {"token": tokens.issue(cast(User, people["admin"])).access}
        event = perform("createEvent", **admin)
        perform("getEvent", eventId=event["id"])
        perform("updateEvent", **admin, eventId=event["id"])
        perform("replaceEvent", **admin, eventId=event["id"])
        booking = perform("createBooking", **me, eventId=event["id"])
        perform("getEventAvailability", eventId=event["id"])
        perform("getBooking", **me, bookingId=booking["id"])
        perform("cancelBooking", **me, bookingId=booking["id"])
        perform("listBookings", **me)
        perform("listEventBookings", **admin, eventId=event["id"])
        perform("cancelEvent", **admin, eventId=event["id"])
        perform("listEvents")
        perform("deleteEvent", **admin, eventId=perform("createEvent", **admin)["id"])
        perform("changePassword", **me)
        again = perform("signIn", password=example_of("changePassword")["password"])
        perform("signOut", refresh=again["refresh"])

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_exist_for_every_response(self, name: str) -> None:
        responses = OPERATIONS[name]["responses"]

        without = [
            status
            for status, response in responses.items()
            if not all(media["examples"] for media in response.get("content", {}).values())
        ]

        assert without == []

    @pytest.mark.parametrize("refusal", REFUSALS_OF_ASSIGNING)
    def test_include_every_error_of_assigning(self, refusal: type[errors.Refused]) -> None:
        problem = describe(refusal())

        shown = refusals_of("assignUser")[str(problem.status)][problem.code]["value"]

        assert shown["message"] == refusal.message
        assert shown["code"] == refusal.code


class TestEveryOperation:
    @pytest.mark.parametrize("name", OPERATIONS)
    def test_has_a_summary_a_description_and_a_described_tag(self, name: str) -> None:
        tags = {tag["name"] for tag in document()["tags"]}

        assert OPERATIONS[name]["summary"]
        assert OPERATIONS[name]["description"]
        assert set(OPERATIONS[name]["tags"]) <= tags

    # getHealth has no rate limit and uses no database. getReadiness has a 503 of its own.
    @pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - {"getHealth", "getReadiness"}))
    def test_documents_429_and_503(self, name: str) -> None:
        refusals = refusals_of(name)

        assert refusals["429"]["too_many"]["value"]["message"] == errors.TooMany.message
        assert refusals["503"]["busy"]["value"]["message"] == errors.Busy.message

    @pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - PUBLIC))
    def test_documents_401(self, name: str) -> None:
        refusals = refusals_of(name)["401"]

        assert refusals["unauthenticated"]["value"]["message"] == errors.Unauthenticated.message
        assert refusals["invalid_token"]["value"]["message"] == tokens.InvalidToken.message

    def test_requires_a_token_unless_public(self) -> None:
        resets = {"requestPasswordReset", "confirmPasswordReset"}
        box_office = {"listEvents", "getEvent", "getEventAvailability", "createBooking"}

        assert {
            "getRoot",
            "getHealth",
            "getReadiness",
            "createUser",
            "signIn",
            "renewTokens",
            "signOut",
        } | resets | box_office == PUBLIC

    @pytest.mark.parametrize("name", [name for name in OPERATIONS if "requestBody" in OPERATIONS[name]])
    def test_accepts_only_json(self, name: str) -> None:
        assert list(OPERATIONS[name]["requestBody"]["content"]) == ["application/json"]


class TestTextBounds:
    @pytest.mark.parametrize(
        "field",
        [
            SingleLineField(),
            SingleLineField(min_length=3),
            SingleLineField(allow_blank=True),
            TextField(),
            TextField(allow_blank=True),
            TextField(trim_whitespace=False),
        ],
    )
    @settings(max_examples=200, derandomize=True)
    @given(
        text=st.text(st.sampled_from("ab \t\n\x00\x1c\x1f\x7f\x85\xa0\u200b\u2028\u202e\u2069\u3000\ufeff"), max_size=6)
    )
    def test_match_the_servers_validation(self, field: TextField, text: str) -> None:
        described = jsonschema_rs.validator_for(TextExtension(field).map_serializer_field(AutoSchema(), "request"))

        assert described.is_valid(text) == is_accepted(field, text)


def is_accepted(field: serializers.Field[Any, Any, Any, Any], text: str) -> bool:
    try:
        field.run_validation(text)
    except serializers.ValidationError:
        return False
    return True


class TestSchema:
    def test_is_openapi_3_1_as_json(self, anonymous: APIClient) -> None:
        response = anonymous.get("/schema")

        assert response.headers["Content-Type"] == "application/json"
        assert json.loads(response.content)["openapi"] == "3.1.0"

    def test_is_that_of_this_process(self, anonymous: APIClient) -> None:
        """Another process writes it, with the same settings."""
        found, expected = json.loads(anonymous.get("/schema").content), json.loads(orjson.dumps(document()))

        assert found["components"]["schemas"] == expected["components"]["schemas"]
        assert [*found["paths"]] == [*expected["paths"]]
        assert found["info"] == expected["info"]

    def test_is_not_generated_in_this_process(self, anonymous: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
        """Python would keep the memory that it takes."""

        def generate(*_: Any, **__: Any) -> None:
            pytest.fail("The document was generated here.")

        _written.cache_clear()
        monkeypatch.setattr(SchemaGenerator, "get_schema", generate)
        monkeypatch.setattr(pages, "Reader", generate)

        assert anonymous.get("/schema").status_code == 200
        assert anonymous.get("/docs").status_code == 200

    def test_describes_every_path(self) -> None:
        """The schema itself, its documentation page, the admin and metrics are left out."""
        described = {re.sub(r"{\w+}", "{}", path.lstrip("/")) for path in document()["paths"]}

        assert described == served_paths() - {
            "schema",
            "docs",
            "admin",
            "admin/second-factor/",
            "admin/send-again/",
            "admin/weekly-report/",
            # For Prometheus.
            "metrics",
        }


class TestDocs:
    @pytest.fixture
    def page(self, anonymous: APIClient) -> str:
        return anonymous.get("/docs").content.decode()

    def test_load_nothing_from_other_servers(self, page: str) -> None:
        loaded = re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="([^"]*)"', page)

        assert len(loaded) >= 3
        assert all(source.startswith("/static/") for source in loaded)

    def test_need_nothing_inline(self, page: str) -> None:
        assert re.findall(r"<style| style=| on\w+=|<script(?![^>]* src=)", page) == []

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_show_every_call_with_a_link_and_a_form(self, page: str, name: str) -> None:
        assert f'<h3 id="{name}">' in page
        assert f'<a href="#{name}">' in page
        article = page.split(f'<article aria-labelledby="{name}">')[1].split("</article>")[0]
        operation = OPERATIONS[name]
        assert escape(operation["summary"]) in article
        assert "<form data-method=" in article
        for parameter in operation.get("parameters", []):
            assert f'<label for="{name}-{parameter["name"]}">' in article
        assert all(f"{status}</strong>" in article for status in operation["responses"] if status >= "400")

    def test_have_unique_ids(self, page: str) -> None:
        ids = re.findall(r' id="([^"]*)"', page)

        assert len(ids) == len(set(ids))

    def test_are_linked_from_mails(self, page: str) -> None:
        """Mails say which call to use; the link leads there."""
        templates = [*(configured.BASE_DIR / "templates" / "emails").iterdir()]
        anchors = {anchor for file in templates for anchor in re.findall(r"/docs#([\w/]+)", file.read_text())}

        assert len(anchors) == 2
        assert all(f' id="{anchor}"' in page for anchor in anchors)


class TestReader:
    @pytest.mark.parametrize(
        ("schema", "phrase"),
        [
            ({"type": "string"}, "string"),
            ({"type": ["integer", "null"], "minimum": 1}, "integer or null, at least 1"),
            ({"type": "string", "format": "date-time"}, "date and time"),
            ({"type": "string", "enum": ["low", "high"], "default": "low"}, 'one of "low", "high", default low'),
            ({"type": "array", "items": {"type": "integer"}, "maxItems": 5}, "list of integer, up to 5 items"),
            ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
            ({"allOf": [{"$ref": "#/components/schemas/Seat"}], "type": "object"}, "object"),
            ({}, "any"),
        ],
    )
    def test_names_types(self, schema: dict[str, Any], phrase: str) -> None:
        assert Reader(SEATS).type(schema) == phrase

    def test_lists_nested_members(self) -> None:
        nested = {"type": "array", "items": {"$ref": "#/components/schemas/Seat"}}
        whole = {"type": "object", "required": ["seats"], "properties": {"seats": nested}}

        found = [(field.name, field.type, field.is_required) for field in Reader(SEATS).fields(whole)]

        assert found == [
            ("seats", "list of object", True),
            ("seats[].row", "integer", True),
            ("seats[].note", "string", False),
        ]

    def test_escapes_prose(self) -> None:
        assert prose("`a < b` & <b>") == "<code>a &lt; b</code> &amp; &lt;b&gt;"


SEATS = {
    "components": {
        "schemas": {
            "Seat": {
                "type": "object",
                "required": ["row"],
                "properties": {"row": {"type": "integer"}, "note": {"type": "string"}},
            }
        }
    }
}


def served_paths() -> set[str]:
    """Return all paths with their parameters as {}, except those of contracts, which have their own documents."""

    def walk(patterns: list[Any], prefix: str) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                yield prefix + re.sub(r"<[^>]*>", "{}", str(pattern.pattern))
            elif pattern.app_name != "admin" and pattern.urlconf_name not in CONTRACTS.values():
                yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))

    return set(walk(urlpatterns, ""))


def example_of(name: str, part: str = "requestBody") -> Any:
    """Return the only example of the request or, given a status, of that response."""
    operation = OPERATIONS[name]
    described = operation.get("requestBody", {}) if part == "requestBody" else operation["responses"][part]
    (media,) = described.get("content", {"": {"examples": {"": {"value": None}}}}).values()
    (example,) = media["examples"].values()
    return example["value"]


def refusals_of(name: str) -> dict[str, dict[str, Any]]:
    """Return the operation's examples of errors, by status and code."""
    return {
        status: response["content"]["application/problem+json"]["examples"]
        for status, response in OPERATIONS[name]["responses"].items()
        if int(status) >= 400
    }


def perform(name: str, token: str = "", query: dict[str, str] | None = None, **replaced: Any) -> Any:
    """Send the operation's example, with some values replaced, and compare the response's shape with its example."""
    operation = OPERATIONS[name]
    client = APIClient()
    if token:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    parameters = operation.get("parameters", [])
    in_path = {each["name"]: replaced.pop(each["name"], each["example"]) for each in parameters if each["in"] == "path"}
    body = example_of(name)
    status = min(operation["responses"])

    response = client.generic(
        operation["method"].upper(),
        operation["path"].format(**in_path),
        json.dumps(body | replaced) if body else "",
        content_type="application/json",
        query_params=query,
    )

    assert response.status_code == int(status), response.content
    answer = json.loads(response.content or "null")
    assert shape_of(answer) == shape_of(example_of(name, status))
    return answer


def shape_of(value: Any) -> Any:
    """Return the keys in order with the types of their values; for lists, the shape of the first member."""
    if isinstance(value, dict):
        return [(key, shape_of(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [shape_of(inner) for inner in value[:1]]
    return "number" if isinstance(value, int | float) else type(value).__name__
