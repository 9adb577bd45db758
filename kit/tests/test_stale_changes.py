"""Changes of records that somebody else has changed meanwhile, and what makes another version of a record."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from events.tests.factories import book, make_event
from kit.versions import CHANGED_SINCE_READ
from projects.tests.factories import make_project
from projects.tests.psql import psql
from tickets.tests.factories import assign, make_ticket

SignedIn = Callable[[User], APIClient]


@dataclass(frozen=True)
class Kind:
    """A record, a change of it, the fields that this changes, and another change; each a method, a path and a body."""

    path: str
    first: tuple[str, str, dict[str, Any]]
    fields: list[str]
    second: tuple[str, str, dict[str, Any]]


def ticket_assigned(admin: User) -> Kind:
    path, user = f"/tickets/{make_ticket(admin).pk}", make_user()
    return Kind(path, ("post", "/assign", {"userId": user.pk}), ["assignedUsers"], ("post", "/hold", {}))


def ticket_held(admin: User) -> Kind:
    ticket, user = make_ticket(admin), make_user()
    assign(ticket, user)
    unassign: tuple[str, str, dict[str, Any]] = ("delete", f"/assign/{user.pk}", {})
    return Kind(
        f"/tickets/{ticket.pk}", ("post", "/hold", {"reason": "Lunch"}), ["onHoldSince", "holdReason"], unassign
    )


def project(admin: User) -> Kind:
    changes = {"name": "Another", "visibility": "involved"}
    return Kind(f"/projects/{make_project().pk}", ("patch", "", changes), ["name", "visibility"], ("delete", "", {}))


def user(admin: User) -> Kind:
    path = f"/users/{make_user().pk}"
    return Kind(path, ("post", "/deactivate", {}), ["isActive"], ("patch", "", {"name": "Another"}))


def event(admin: User) -> Kind:
    changes = {"venue": "Park", "capacity": 20, "withheld": 1, "maxPerBooking": 3, "timezone": "Europe/Berlin"}
    fields = ["venue", "timezone", "maxPerBooking", "capacity", "withheld"]
    return Kind(f"/events/{make_event(admin).pk}", ("patch", "", changes), fields, ("post", "/cancel", {}))


def booking(admin: User) -> Kind:
    path = f"/bookings/{book(make_event(admin), admin, quantity=3).pk}"
    return Kind(path, ("post", "/cancel", {"tickets": 1}), ["cancelled"], ("post", "/cancel", {}))


KINDS = [ticket_assigned, ticket_held, project, user, event, booking]


def send(client: APIClient, kind: Kind, change: tuple[str, str, dict[str, Any]], **headers: str) -> Any:
    method, action, body = change
    return getattr(client, method)(kind.path + action, body, headers=headers)


@pytest.mark.parametrize("make", KINDS)
class TestStaleChange:
    def test_names_the_fields_that_changed(
        self, make: Callable[[User], Kind], admin: User, signed_in: SignedIn
    ) -> None:
        kind, client = make(admin), signed_in(admin)
        tag = client.get(kind.path)["ETag"]
        assert send(client, kind, kind.first).status_code in (200, 204)

        by_header = send(client, kind, kind.second, **{"If-Match": tag})
        method, action, body = kind.second
        by_body = send(client, kind, (method, action, body | {"version": int(tag[1])}))

        errors = [{"field": field, "message": CHANGED_SINCE_READ} for field in kind.fields]
        assert (by_header.status_code, by_header.json()["code"]) == (412, "precondition_failed")
        assert by_header.json()["errors"] == errors
        if method != "delete":
            assert (by_body.status_code, by_body.json()["code"]) == (409, "version_conflict")
            assert by_body.json()["errors"] == errors

    def test_passes_with_the_new_tag(self, make: Callable[[User], Kind], admin: User, signed_in: SignedIn) -> None:
        kind, client = make(admin), signed_in(admin)
        send(client, kind, kind.first)
        tag = client.get(kind.path)["ETag"]

        response = send(client, kind, kind.second, **{"If-Match": tag})

        assert response.status_code in (200, 204)

    def test_wins_without_a_version(self, make: Callable[[User], Kind], admin: User, signed_in: SignedIn) -> None:
        kind, client = make(admin), signed_in(admin)
        send(client, kind, kind.first)

        assert send(client, kind, kind.second).status_code in (200, 204)

    def test_response_has_the_tag_of_the_new_version(
        self, make: Callable[[User], Kind], admin: User, signed_in: SignedIn
    ) -> None:
        kind, client = make(admin), signed_in(admin)
        before = client.get(kind.path).json()["version"]

        changed = send(client, kind, kind.first)

        after = client.get(kind.path)
        assert after.json()["version"] > before
        if "ETag" in changed:
            assert changed.json()["version"] == after.json()["version"]
            assert changed["ETag"].startswith(f'"{after.json()["version"]}-')


class TestTag:
    def test_of_a_new_user_is_that_of_the_whole_user(self, admin: User, signed_in: SignedIn) -> None:
        new = {"name": "New User", "email": "new@example.com", "type": "customer", "password": "password-123"}

        created = signed_in(admin).post("/users", new)

        assert set(created.json()) == {"id", "name", "email"}
        path = f"/users/{created.json()['id']}"
        assert created["ETag"] == signed_in(admin).get(path)["ETag"]
        changed = signed_in(admin).patch(path, {"name": "Other"}, headers={"If-Match": created["ETag"]})
        assert changed.status_code == 200

    def test_of_a_new_booking_is_that_of_the_booking(self, admin: User, anonymous: APIClient) -> None:
        guest = {"firstName": "Greta", "lastName": "Guest", "email": "greta@example.com"}
        path = f"/events/{make_event(admin).pk}/bookings"

        created = anonymous.post(path, {"guest": guest}, headers={"Idempotency-Key": "once"})
        repeated = anonymous.post(path, {"guest": guest}, headers={"Idempotency-Key": "once"})

        token = {"X-Manage-Token": created.json()["manageToken"]}
        read = anonymous.get(f"/bookings/{created.json()['id']}", headers=token)
        assert created["ETag"] == repeated["ETag"] == read["ETag"]
        assert created["ETag"].startswith('"1-')

    def test_of_a_project_changes_with_its_tickets(self, admin: User, signed_in: SignedIn) -> None:
        project = make_project()
        before = signed_in(admin).get(f"/projects/{project.pk}")
        make_ticket(admin, project=project)

        after = signed_in(admin).get(f"/projects/{project.pk}", headers={"If-None-Match": before["ETag"]})

        assert (after.status_code, after.json()["tickets"]["open"], after.json()["version"]) == (200, 1, 1)
        assert after["ETag"] != before["ETag"]

    def test_of_an_event_changes_with_its_sales_but_not_its_version(self, admin: User, signed_in: SignedIn) -> None:
        event, client = make_event(admin, capacity=2), signed_in(admin)
        path = f"/events/{event.pk}"
        before = client.get(path)
        book(event, admin, quantity=2)
        book(event, quantity=1)

        after = client.get(path, headers={"If-None-Match": before["ETag"]})
        changed = client.patch(path, {"venue": "Park"}, headers={"If-Match": before["ETag"]})

        assert (after.json()["available"], after.json()["waiting"], after.json()["version"]) == (0, 1, 1)
        assert after["ETag"] != before["ETag"]
        assert changed.status_code == 200

    def test_of_a_booking_changes_with_its_position(self, admin: User, signed_in: SignedIn) -> None:
        event = make_event(admin, capacity=1)
        book(event)
        ahead, behind = book(event), book(event)
        path = f"/bookings/{behind.pk}"
        before = signed_in(admin).get(path)
        signed_in(admin).post(f"/bookings/{ahead.pk}/cancel", {})

        after = signed_in(admin).get(path, headers={"If-None-Match": before["ETag"]})

        assert [each.json()["position"] for each in (before, after)] == [2, 1]
        assert after.json()["version"] == 1
        assert after["ETag"] != before["ETag"]

    def test_of_a_promoted_booking_has_another_version(self, admin: User, signed_in: SignedIn) -> None:
        event = make_event(admin, capacity=1)
        first, waiting = book(event), book(event)
        tag = signed_in(admin).get(f"/bookings/{waiting.pk}")["ETag"]
        signed_in(admin).post(f"/bookings/{first.pk}/cancel", {})

        refused = signed_in(admin).post(f"/bookings/{waiting.pk}/cancel", {}, headers={"If-Match": tag})

        assert refused.status_code == 412
        assert [error["field"] for error in refused.json()["errors"]] == ["status"]

    def test_of_a_ticket_stays_after_a_comment(self, admin: User, signed_in: SignedIn) -> None:
        path, client = f"/tickets/{make_ticket(admin).pk}", signed_in(admin)
        tag = client.get(path)["ETag"]

        # A comment is a record of its own, so the ticket's version does not matter.
        added = client.post(f"{path}/comments", {"message": "News?"}, headers={"If-Match": '"9"'})

        assert added.status_code == 201
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


# Assignments in SQL, by table.
CHANGES = {
    "projects_project": ["name = 'Another'", "description = 'More'", "visibility = 'involved'"],
    "accounts_user": ["name = 'Another'", "email = 'other@example.com'", "type = 'agent'", "is_active = false"],
    "events_event": ["venue = 'Park'", "price = 7", "bookings_close_at = now()", "status = 'cancelled'"],
    "events_booking": ["cancelled = 1", "status = 'cancelled', cancelled = 3", "guest_last_name = 'Other'"],
}
OTHERS = {
    "projects_project": ["name = name", "version = 9", "field_versions = '{}'"],
    "accounts_user": [
        "last_login = now()",
        "password = 'x'",
        "name = name",
        "version = 0",
        "field_versions = '{}'",
    ],
    "events_event": ["updated_at = now()", "name = name", "version = 9", "field_versions = '{}'"],
    "events_booking": ["status = status", "version = 9", "field_versions = '{}'"],
}


@pytest.mark.database
class TestVersion:
    """Moves in the database, and only when something really changed."""

    @pytest.fixture
    def ids(self, admin: User) -> dict[str, int]:
        event = make_event(admin)
        return {
            "projects_project": make_project().pk,
            "accounts_user": make_user().pk,
            "events_event": event.pk,
            "events_booking": book(event, quantity=3).pk,
        }

    def versions(self, table: str, pk: int, change: str) -> tuple[int, dict[str, int]]:
        psql(f"UPDATE {table} SET {change} WHERE id = {pk}")
        version, fields = psql(f"SELECT version, field_versions FROM {table} WHERE id = {pk}")[0]
        return version, json.loads(fields or "{}")

    @pytest.mark.parametrize(("table", "change"), [(table, each) for table in CHANGES for each in CHANGES[table]])
    def test_moves_with_a_change(self, table: str, change: str, ids: dict[str, int]) -> None:
        version, fields = self.versions(table, ids[table], change)

        assert version == 2
        assert fields[change.split(" ")[0]] == 2

    @pytest.mark.parametrize(("table", "change"), [(table, each) for table in OTHERS for each in OTHERS[table]])
    def test_stays_without_one(self, table: str, change: str, ids: dict[str, int]) -> None:
        assert self.versions(table, ids[table], change) == (1, {})

    @pytest.mark.parametrize("table", CHANGES)
    def test_cannot_be_set_along_with_a_change(self, table: str, ids: dict[str, int]) -> None:
        version, _ = self.versions(table, ids[table], f"{CHANGES[table][0]}, version = 9, field_versions = NULL")

        assert version == 2

    @pytest.mark.parametrize("change", ["capacity = 20", "withheld = 1"])
    def test_of_an_event_moves_with_its_seats(self, change: str, ids: dict[str, int]) -> None:
        event = ids["events_event"]
        psql(f"UPDATE events_inventory SET {change} WHERE event_id = {event}")

        assert self.versions("events_event", event, "name = name") == (2, {change.split(" ")[0]: 2})

    def test_of_an_event_stays_with_its_seats(self, ids: dict[str, int]) -> None:
        event = ids["events_event"]
        psql(f"UPDATE events_inventory SET capacity = capacity, withheld = withheld WHERE event_id = {event}")

        assert self.versions("events_event", event, "name = name") == (1, {})
