"""Query parameters: calls of the product's own API refuse those they do not have; contracts ignore them."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.api import SignedIn, wrong_fields
from events.tests.factories import make_event
from kit.tests.openapi import OPERATIONS
from kit.tests.test_openapi_statuses import send
from kit.web.query_strings import REPEATED_PARAMETER, UNKNOWN_PARAMETER
from tickets.models import Ticket
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

TOLERANT = {"getRoot", "getHealth", "getReadiness"}


def errors(answer: Any) -> dict[str, str]:
    """Return the messages of a 400 by the fields that it names."""
    assert answer.status_code == 400, answer.content
    return {fault["field"]: fault["message"] for fault in answer.json()["errors"]}


class TestUnknownParameters:
    @pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - TOLERANT))
    def test_are_all_named(self, name: str, admin: User, signed_in: SignedIn) -> None:
        answer = send(signed_in(admin), name, QUERY_STRING="_=123&colour=red&colour=blue&Limit=")

        assert errors(answer) == dict.fromkeys(["_", "colour", "Limit"], UNKNOWN_PARAMETER)

    @pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - TOLERANT))
    def test_are_described(self, name: str) -> None:
        examples = OPERATIONS[name]["responses"]["400"]["content"]["application/problem+json"]["examples"].values()

        assert UNKNOWN_PARAMETER in {
            fault["message"] for example in examples for fault in example["value"].get("errors", [])
        }

    @pytest.mark.parametrize(
        ("path", "wrong"),
        [
            ("/tickets?updatedSince=2031-01-01&limit=0&status=ajar", ["limit", "status", "updatedSince"]),
            ("/tickets?startDate=2031-01-02&endDate=2031-01-01&page=2", ["startDate", "page"]),
            ("/tickets/analytics?startDate=2031-01-02&endDate=2031-01-01&page=2", ["startDate", "page"]),
            ("/events/analytics?startDate=2001-01-01&endDate=2031-01-01&page=2", ["startDate", "page"]),
            ("/events?cursor=x&page=2", ["cursor", "page"]),
        ],
    )
    def test_are_named_with_every_other_mistake(
        self, path: str, wrong: list[str], admin: User, signed_in: SignedIn
    ) -> None:
        assert sorted(errors(signed_in(admin).get(path))) == sorted(wrong)

    def test_are_refused_after_a_missing_token(self, anonymous: APIClient) -> None:
        assert anonymous.get("/tickets?colour=red").status_code == 401

    def test_leave_everything_as_it_was(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).post("/ticket?notify=false", {"title": "Lamp"}, headers={"Idempotency-Key": "1"})

        assert list(errors(answer)) == ["notify"]
        assert not Ticket.objects.exists()

    def test_are_refused_for_head_too(self, owner: User, signed_in: SignedIn) -> None:
        assert signed_in(owner).head("/tickets?colour=red").status_code == 400
        assert signed_in(owner).head("/tickets?limit=5").status_code == 200

    def test_are_ignored_by_options(self, owner: User, signed_in: SignedIn) -> None:
        assert signed_in(owner).options("/tickets?colour=red").status_code == 200

    @pytest.mark.parametrize("path", ["/", "/healthz", "/schema", "/docs"])
    def test_are_ignored_by_pages_and_checks(self, path: str, anonymous: APIClient) -> None:
        assert anonymous.get(f"{path}?_=123&utm_source=mail").status_code == 200

    def test_are_ignored_by_contracts(self, admin: User, signed_in: SignedIn) -> None:
        api, event, ticket = signed_in(admin), make_event(admin), make_ticket(admin)
        paths = (
            f"/status/{event.pk}",
            "/api/v1/auth/me",
            "/api/v1/event",
            f"/api/v1/booking/status/{event.pk}",
            "/api/tickets",
            f"/api/tickets/{ticket.pk}",
            "/api/health",
        )

        assert {path: api.get(f"{path}?_=123&colour=red").status_code for path in paths} == dict.fromkeys(paths, 200)


class TestRepeatedParameters:
    @pytest.mark.parametrize(
        ("path", "wrong"),
        [
            ("/tickets?status=open&status=closed", ["status"]),
            ("/tickets?limit=5&limit=5&search=a", ["limit"]),
            ("/dashboard/analytics?type=concert&type=sports&venue=a&venue=b", ["type", "venue"]),
            ("/tickets?status=open&status=ajar", ["status"]),
        ],
    )
    def test_are_refused(self, path: str, wrong: list[str], owner: User, signed_in: SignedIn) -> None:
        assert errors(signed_in(owner).get(path)) == dict.fromkeys(wrong, REPEATED_PARAMETER)

    def test_are_ignored_by_contracts(self, owner: User, signed_in: SignedIn) -> None:
        assert signed_in(owner).get("/api/tickets?status=ajar&status=open").status_code == 200


class TestKnownParameters:
    # getReadiness has none, and says that no worker runs.
    @pytest.mark.parametrize(
        "name", sorted(name for name in OPERATIONS.keys() - {"getReadiness"} if OPERATIONS[name]["method"] == "get")
    )
    def test_are_accepted_when_empty(self, name: str, admin: User, signed_in: SignedIn) -> None:
        """What the schema describes is what the call accepts."""
        known = [each["name"] for each in OPERATIONS[name].get("parameters", []) if each["in"] == "query"]

        answer = send(signed_in(admin), name, "", QUERY_STRING="&".join(f"{parameter}=" for parameter in known))

        if answer.status_code == 400:
            assert UNKNOWN_PARAMETER not in errors(answer).values()
        assert answer.status_code in (200, 404) or wrong_fields(answer) == ["cursor"]
