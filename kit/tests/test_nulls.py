"""Null in a body clears what may be empty, means the default of something new, and is refused otherwise."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework import serializers

from accounts import serializers as accounts
from accounts.models import User
from accounts.tests.api import SignedIn, wrong_fields
from events import serializers as events
from events.tests.factories import make_event
from projects import serializers as projects
from projects.tests.factories import make_project
from tickets import serializers as tickets
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

TIME = "2031-12-31T20:00:00Z"
TICKET = {
    "title": "A",
    "description": "B",
    "project": 1,
    "status": "open",
    "type": "bug",
    "venue": "C",
    "price": 5,
    "priority": "high",
    "dueDate": TIME,
}
EVENT = {
    "name": "A",
    "description": "B",
    "venue": "C",
    "timezone": "Europe/Berlin",
    "currency": "CHF",
    "startsAt": TIME,
    "endsAt": "2031-12-31T23:00:00Z",
    "bookingsCloseAt": TIME,
    "capacity": 5,
    "withheld": 1,
    "price": 5,
    "maxPerBooking": 2,
    "status": "draft",
}
PROJECT = {"name": "Project A", "description": "B", "visibility": "involved"}
USER = {"name": "Person A", "email": "a@example.com", "type": "agent", "password": "password-1"}
# What a new record has instead of null. Other optional fields read back as null.
DEFAULTS: dict[str, dict[str, Any]] = {
    "/ticket": {
        "description": "",
        "venue": "",
        "project": 1,
        "status": "open",
        "type": "task",
        "priority": "medium",
        "assignedUsers": [],
        "labels": [],
    },
    "/tickets": {
        "description": "",
        "venue": "",
        "type": "task",
        "priority": "medium",
        "assignedUsers": [],
        "labels": [],
    },
    "/events": {
        "description": "",
        "venue": "",
        "withheld": 0,
        "status": "published",
        "timezone": "UTC",
        "currency": "EUR",
    },
    "/projects": {"description": "", "visibility": "everyone"},
}
NEW: list[tuple[str, type[serializers.Serializer[Any]], dict[str, Any]]] = [
    ("/ticket", tickets.NewTicketSerializer, TICKET),
    ("/tickets", tickets.NewTrackerTicketSerializer, TICKET),
    ("/events", events.NewEventSerializer, EVENT),
    ("/projects", projects.NewProjectSerializer, PROJECT),
    ("/users", accounts.SignUpByAdminSerializer, USER),
]
# Fields that can be cleared, with what they read back as.
CLEARED: dict[str, dict[str, Any]] = {
    "tickets": {"description": "", "venue": "", "price": None, "dueDate": None},
    "events": {"description": "", "venue": "", "endsAt": None, "bookingsCloseAt": None, "maxPerBooking": None},
    "projects": {"description": ""},
    "users": {},
}
CHANGES: list[tuple[str, type[serializers.Serializer[Any]], type[serializers.Serializer[Any]], dict[str, Any]]] = [
    ("tickets", tickets.TicketPatchSerializer, tickets.ReplacedTicketSerializer, TICKET),
    ("events", events.EventPatchSerializer, events.ReplacedEventSerializer, EVENT),
    ("projects", projects.ProjectPatchSerializer, projects.ReplacedProjectSerializer, PROJECT),
    ("users", accounts.UserChangesSerializer, accounts.ReplacedUserSerializer, USER),
]


def in_new() -> Iterator[Any]:
    for path, shape, body in NEW:
        for name, field in shape().fields.items():
            yield pytest.param(path, body, name, field.required, id=f"{path} {name}")


def in_changes() -> Iterator[Any]:
    for kind, patch, put, body in CHANGES:
        for method, shape in (("patch", patch), ("put", put)):
            for name in shape().fields:
                yield pytest.param(kind, method, body, name, id=f"{method} {kind} {name}")


@pytest.fixture
def paths(admin: User, owner: User) -> dict[str, str]:
    """Return the path of a record of each kind."""
    return {
        "tickets": f"/tickets/{make_ticket(admin).pk}",
        "events": f"/events/{make_event(admin, status='draft').pk}",
        "projects": f"/projects/{make_project('Website').pk}",
        "users": f"/users/{owner.pk}",
    }


class TestNew:
    @pytest.mark.parametrize(("path", "body", "name", "is_required"), list(in_new()))
    def test_reads_null_as_left_out(
        self, admin: User, signed_in: SignedIn, path: str, body: dict[str, Any], name: str, is_required: bool
    ) -> None:
        created = signed_in(admin).post(path, body | {name: None})

        if is_required:
            assert (created.status_code, wrong_fields(created)) == (400, [name])
        else:
            assert created.status_code == 201, created.content
            read_back = DEFAULTS.get(path, {}).get(name, admin.pk if name == "createdBy" else None)
            assert created.json().get(name) == read_back


class TestChange:
    @pytest.mark.parametrize(("kind", "method", "body", "name"), list(in_changes()))
    def test_clears_what_may_be_empty(
        self,
        admin: User,
        signed_in: SignedIn,
        paths: dict[str, str],
        kind: str,
        method: str,
        body: dict[str, Any],
        name: str,
    ) -> None:
        api = signed_in(admin)
        body = {key: value for key, value in body.items() if key != "password"}
        assert api.patch(paths[kind], body).status_code == 200

        changed = getattr(api, method)(paths[kind], (body if method == "put" else {}) | {name: None})

        if name in CLEARED[kind]:
            assert (changed.status_code, changed.json()[name]) == (200, CLEARED[kind][name])
            assert api.get(paths[kind]).json()[name] == CLEARED[kind][name]
        elif name == "version":
            assert changed.status_code == 200
        else:
            assert (changed.status_code, wrong_fields(changed)) == (400, [name])


class TestCommands:
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/events/{event}/bookings", {"quantity": None, "joinWaitlist": None, "guest": None}),
            ("/bookings/{booking}/cancel", {"tickets": None}),
            ("/tickets/{ticket}/comments", {"message": "A", "internal": None}),
            ("/tickets/{ticket}/hold", {"reason": None}),
        ],
    )
    def test_read_null_as_left_out(self, admin: User, signed_in: SignedIn, path: str, body: dict[str, Any]) -> None:
        api, event = signed_in(admin), make_event(admin)
        booking = api.post(f"/events/{event.pk}/bookings", {}).json()["id"] if "booking}" in path else None

        answer = api.post(path.format(event=event.pk, booking=booking, ticket=make_ticket(admin).pk), body)

        assert answer.status_code in (200, 201), answer.content

    def test_require_a_guest_who_is_not_null(self, anonymous: Any, admin: User) -> None:
        answer = anonymous.post(f"/events/{make_event(admin).pk}/bookings", {"guest": None})

        assert (answer.status_code, wrong_fields(answer)) == (400, ["guest"])


class TestHelpDesk:
    def test_reads_null_as_left_out(self, anonymous: Any, owner: User, signed_in: SignedIn) -> None:
        person = {"name": "Person A", "email": "a@example.com", "password": "secret", "role": None}
        ticket = {"title": "A", "description": None, "priority": None}

        created = signed_in(owner).post("/api/tickets", ticket)

        assert anonymous.post("/api/auth/register", person).status_code == 201
        assert (created.status_code, created.json()["description"], created.json()["priority"]) == (201, "", "medium")

    def test_changes_any_version_without_one(self, agent: User, signed_in: SignedIn) -> None:
        path = f"/api/tickets/{make_ticket(agent).pk}"

        changed = signed_in(agent).patch(path, {"assignee": None, "version": None})

        assert changed.status_code == 200
        assert signed_in(agent).patch(path, {"priority": None}).status_code == 400
